# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the pages of this folder against the sources, and README.md's tables
against the pages; --write writes the tables.

Every name that `make` knows is on a page, with the options that it reads; every
option of a class that a page names is in its table.
"""
import pathlib
import re
import sys

folder = pathlib.Path(__file__).resolve().parent
root = folder.parents[1]
BEGIN, END = "<!-- begin: index.py -->\n", "<!-- end: index.py -->\n"
KINDS = {  # what a page says that its method reads: the title of its table
    "the losses": "By losses",
    "the gradients' inner products": "By the gradients' inner products",
    "the gradients": "By the gradients",
    "losses and gradients on several batches": "By several batches",
}


def sources():
    """For each name that `make` knows, the options that it reads."""
    names = {}
    for path in [*root.glob("src/balancing/*/table.cpp"), *root.glob("src/balancing/wrappers.cpp")]:
        text = path.read_text()
        functions = {}
        for name, body in re.findall(r"^\S+ (\w+)\(OptionReader&(?: \w+)?\) \{\n(.*?)^\}", text, re.S | re.M):
            functions[name] = body
        table = text[text.index("\nTable "):]
        lines = re.findall(r'\{"(\w+)",\s*(\w+)\}', table)
        assert len(lines) == table.count('{"'), f"{path} has lines that this does not read"
        for name, maker in lines:
            body = functions[maker]
            for called in set(re.findall(r"\b(\w+)\(options\)", body)) & set(functions):
                body += functions[called]
            names[name] = re.findall(r'(?:options|reader)\s*\.\s*\w+\(\s*"([^"]+)"', body)
    return names


def headers():
    """For each options class, its options."""
    classes = {}
    for path in (root / "include/polytask/balancing").rglob("*.h"):
        for name, body in re.findall(r"struct POLYTASK_API (\w+Options) \{\n(.*?)^\};", path.read_text(), re.S | re.M):
            classes[name] = re.findall(r"TORCH_ARG\((?:[^()]*), (\w+)\)", body)
    return classes


def row_of(text, title):
    found = re.search(rf"^\| {title} \| (.*) \|$", text, re.M)
    return found[1] if found else ""


def quoted(text):
    return re.findall(r"`([^`]+)`", text)


pages = {path: path.read_text() for path in sorted(folder.glob("*.md")) if path.name != "README.md"}
wrong, on_page = [], {}
known, classes = sources(), headers()
for path, text in pages.items():
    documented = quoted(text[text.index("## Options"):text.index("## When")])
    for name in quoted(row_of(text, "names")):
        on_page[name] = path
        wrong += [f"{path.name}: lacks the option '{option}' of '{name}'"
                  for option in known.get(name, []) if option not in documented]
        if name not in known:
            wrong.append(f"{path.name}: make() does not know '{name}'")
    for name in quoted(row_of(text, "class")):
        wrong += [f"{path.name}: lacks {name}().{option}"
                  for option in classes.get(name, []) if option not in documented]
wrong += [f"'{name}' is on no page" for name in known if name not in on_page]
described = {name for text in pages.values() for name in quoted(row_of(text, "class"))}
wrong += [f"{name} is on no page" for name in classes if name not in described]

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
print("\n".join(wrong) or f"{len(known)} names on {len(pages)} pages")
sys.exit(bool(wrong))
