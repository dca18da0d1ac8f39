# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the Python blocks of docs/python.md, each by itself; those that import a
library which is not there are skipped.

    docs_test.py LIBRARY SOURCE
"""
import os
import pathlib
import re
import sys

from site_torch import torch  # noqa: F401, or exits

library, source = sys.argv[1:3]
page = (pathlib.Path(source) / "docs/python.md").read_text()
blocks = re.findall(r"^```python\n(.*?)^```", page, re.S | re.M)
assert blocks and all("<where>/lib/libpolytask_python.so" in block or 'sys.path.insert(0, "<where>/lib")' in block
                      for block in blocks)
os.environ["POLYTASK_LIBRARY"] = library
for number, block in enumerate(blocks, start=1):
    print(f"-- block {number}")
    try:
        block = block.replace("<where>/lib/libpolytask_python.so", library)
        block = block.replace("<where>/lib", f"{source}/src/python")
        exec(compile(block, f"block {number}", "exec"), {})
    except ModuleNotFoundError as error:
        print(f"skipped: {error}")
