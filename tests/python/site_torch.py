# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Imports the PyTorch that the library was built with: that in the folder which
POLYTASK_TORCH_SITE names, or that which Python finds. Exits with 77, which CTest
counts as skipped, where there is none."""
import os
import pathlib
import sys

site = os.environ.get("POLYTASK_TORCH_SITE")
if site and not (pathlib.Path(site) / "torch/__init__.py").exists():
    print(f"skipped: the LibTorch in {site} has no PyTorch beside it")
    sys.exit(77)
if site:
    sys.path.insert(1, site)
try:
    import torch  # noqa: F401
except ImportError as error:
    print(f"skipped: this Python cannot import torch: {error}")
    sys.exit(77)
