# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the table of all sharings in sharing.md against their headers; --write writes it."""
import pathlib
import re
import sys

docs = pathlib.Path(__file__).resolve().parent
headers = docs.parent / "include/polytask/sharing"
BEGIN, END = "<!-- begin: sharing_index.py -->\n", "<!-- end: sharing_index.py -->\n"
CLASS = re.compile(r"((?:^///.*\n)*)^class POLYTASK_API (\w+)\s*:\s*public (\w+)", re.M)


def plain(comment):
    text = re.sub(r"^/// ?", "", comment, flags=re.M)
    return re.sub(r"```.*?```", "", text, flags=re.S)


def one_line(text):
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|").replace("*", "\\*")


def first_sentence(text):
    return re.split(r"(?<=[.])\s", one_line(text))[0]


def source(text):
    found = re.search(r"^Source: (.*?)(?:\n\s*\n|\Z)", text, re.M | re.S)
    return one_line(found[1]).rstrip(".") if found else ""


classes, modules = {}, set()
for path in sorted(headers.rglob("*.h")):
    text = path.read_text()
    modules |= set(re.findall(r"^TORCH_MODULE\((\w+)\)", text, re.M))
    for comment, name, base in CLASS.findall(text):
        classes[name] = (path, plain(comment), base)


def is_sharing(name):
    while name in classes and name != "Sharing":
        name = classes[name][2]
    return name == "Sharing"


rows, unsaid = "", []
for name, (path, comment, _) in sorted(classes.items(), key=lambda item: item[0].lower()):
    short = name.removesuffix("Impl")
    if short not in modules or not is_sharing(name):
        continue
    link = "../" + str(path.relative_to(docs.parent))
    rows += f"| [`{short}`]({link}) | {first_sentence(comment)} | {source(comment)} |\n"
    if not first_sentence(comment):
        unsaid.append(short)

page = docs / "sharing.md"
before, rest = page.read_text().split(BEGIN)
expected = before + BEGIN + f"\n| | | source |\n|--|--|--|\n{rows}\n" + END + rest.split(END)[1]
wrong = [f"{name} has no doc comment" for name in unsaid]
if "--write" in sys.argv:
    page.write_text(expected)
elif page.read_text() != expected:
    wrong.append("sharing.md is not what the headers say; run docs/sharing_index.py --write")
print("\n".join(wrong) or f"{rows.count(chr(10))} sharings")
sys.exit(bool(wrong))
