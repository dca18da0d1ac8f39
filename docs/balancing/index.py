# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks README.md's tables against the pages of this folder; --write writes
them. The pages themselves are checked by the library's tests (MethodPages).
"""
import pathlib
import re
import sys

folder = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- begin: index.py -->\n", "<!-- end: index.py -->\n"
KINDS = {  # what a page says that its method reads: the title of its table
    "the losses": "By losses",
    "the gradients' inner products": "By the gradients' inner products",
    "the gradients": "By the gradients",
    "losses and gradients on several batches": "By several batches",
}


def row_of(text, title):
    found = re.search(rf"^\| {title} \| (.*) \|$", text, re.M)
    return found[1] if found else ""


def quoted(text):
    return re.findall(r"`([^`]+)`", text)


pages = {path: path.read_text() for path in sorted(folder.glob("*.md")) if path.name != "README.md"}
wrong = []
tables = ""
for reads, title in KINDS.items():
    rows = ""
    for path, text in pages.items():
        if re.match(rf"{reads}( \[|,|$)", row_of(text, "reads")):
            heading = re.match(r"# (.*)", text)[1]
            summary = re.sub(r"\s+", " ", text.split("\n\n")[1])
            summary = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", summary)
            names = ", ".join(f"`{name}`" for name in quoted(row_of(text, "names")))
            cost = re.sub(r"T, or a \[.*", "T or less", row_of(text, "backward passes"))
            rows += f"| [{heading}]({path.name}) | {summary} | {cost} | {names} |\n"
    tables += f"\n### {title}\n\n| | | backward passes | by name |\n|--|--|--|--|\n{rows}"
index = folder / "README.md"
before, rest = index.read_text().split(BEGIN)
expected = before + BEGIN + tables + "\n" + END + rest.split(END)[1]
if "--write" in sys.argv:
    index.write_text(expected)
elif index.read_text() != expected:
    wrong.append("README.md is not what the pages say; run docs/balancing/index.py --write")
if expected.count("](") - (before + rest.split(END)[1]).count("](") != len(pages):
    wrong.append("a page says of its method that it reads something else than: " + ", ".join(KINDS))
print("\n".join(wrong) or f"{len(pages)} pages")
sys.exit(bool(wrong))
