# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks that every link of the pages leads to a file and a heading there is."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
pages = sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")])


def anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower())) for heading in headings}


wrong, count = [], 0
for page in pages:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        count += 1
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            wrong.append(f"{page.relative_to(root)}: there is no {name}")
        elif anchor and anchor not in anchors(target):
            wrong.append(f"{page.relative_to(root)}: {name or 'the page'} has no heading #{anchor}")
print("\n".join(wrong) or f"{count} links on {len(pages)} pages")
sys.exit(bool(wrong))
