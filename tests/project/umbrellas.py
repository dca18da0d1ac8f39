# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks that each layer's umbrella header includes every header of its folder,
and polytask.h every umbrella; --write writes them instead."""
import pathlib
import sys

include = pathlib.Path(sys.argv[1]) / "include"
licence = "// SPDX-FileCopyrightText: 2026 the polytask authors\n// SPDX-License-Identifier: BSD-3-Clause\n"
layers = sorted(path for path in (include / "polytask").iterdir() if path.is_dir())


def umbrella(headers, first=""):
    lines = "".join(f"#include <{header.relative_to(include)}>\n" for header in headers)
    return f"{licence}#pragma once\n\n{first}{lines}"


expected = {layer.with_suffix(".h"): umbrella(sorted(layer.rglob("*.h"))) for layer in layers}
expected[include / "polytask/polytask.h"] = umbrella(
    [layer.with_suffix(".h") for layer in layers], "#include <torch/torch.h>\n\n")

wrong = [path for path, text in expected.items() if not path.exists() or path.read_text() != text]
if "--write" in sys.argv:
    for path in wrong:
        path.write_text(expected[path])
    sys.exit()
for path in wrong:
    print(f"{path.relative_to(include)} is incomplete; run tests/project/umbrellas.py . --write")
print(f"{len(expected)} umbrella headers")
sys.exit(bool(wrong))
