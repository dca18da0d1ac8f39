# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks that includes point only to layers that CONTRIBUTING.md allows, and that
a source includes its own header first."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
table = re.search(r"```layers\n(.*?)```", (root / "CONTRIBUTING.md").read_text(), re.S)
direct = {}
for line in table[1].splitlines():
    layer, _, below = line.partition("<-")
    direct[layer.strip()] = set(re.split(r"[,\s]+", below.split("#")[0].strip())) - {""}


def allowed(layer):
    """The layer itself and all below it."""
    return {layer}.union(*(allowed(below) for below in direct[layer]))


wrong = []
for path in sorted([*root.glob("include/polytask/*/**/*.h"), *root.glob("src/*/**/*.[ch]*")]):
    parts = path.relative_to(root).parts
    layer = parts[2] if parts[0] == "include" else parts[1]
    if layer not in direct:
        wrong.append(f"{path.relative_to(root)}: the layer {layer} is not in the table")
        continue
    own = f"polytask/{path.relative_to(root / 'src').with_suffix('.h')}" if parts[0] == "src" else ""
    if path.suffix == ".cpp" and (root / "include" / own).exists():
        first = re.search(r'#include ["<](.*?)[">]', path.read_text())
        if first[1] != own:
            wrong.append(f"{path.relative_to(root)}: <{own}> does not come first")
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        found = re.match(r'\s*#\s*include\s*(?:<polytask/(\w+)|"(\w+)/.*")', line)
        included = found and (found[1] or found[2])
        if included in direct and included not in allowed(layer):
            wrong.append(f"{path.relative_to(root)}:{number}: {layer} may not include {included}")
print("\n".join(wrong) or f"{len(direct)} layers, every include points to a layer below")
sys.exit(bool(wrong))
