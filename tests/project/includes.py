# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Looks whether every file of the library includes, by itself or by what it includes, the headers
of the LibTorch operators and guards that it names, and calls no template of it that is serial there.

Unity builds and precompiled headers hide one that is missing, and to compile every file alone takes
longer than all other checks; `./dev compat VERSION --together 1` does."""
import functools
import pathlib
import re
import sys

import sources

DECLARED = {  # names that are not operators: where they are
    "AutoGradMode": "c10/core/GradMode.h", "NoGradGuard": "c10/core/GradMode.h",
    "InferenceMode": "c10/core/InferenceMode.h", "TORCH_CHECK_VALUE": "c10/util/Exception.h",
    "TORCH_WARN_ONCE": "c10/util/Exception.h", "TORCH_ARG": "torch/arg.h",
}
torch = pathlib.Path(sources.torch_include())
folders = [sources.root / "include", sources.root / "src", torch, torch / "torch/csrc/api/include"]


@functools.lru_cache(None)
def text_of(path):
    text = re.sub(r"//.*|/\*.*?\*/", "", path.read_text(errors="replace"))
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', lambda found: found[0] if "/" in found[0] or ".h" in found[0] else '""', text)


@functools.lru_cache(None)
def found_as(name, folder):
    return next((path for path in (folder / name, *(one / name for one in folders)) if path.is_file()), None)


@functools.lru_cache(None)
def direct(path):
    names = re.findall(r'^\s*#\s*include\s*[<"]([^">]+)[">]', text_of(path), re.M)
    return [header.resolve() for header in (found_as(name, path.parent) for name in names) if header]


@functools.lru_cache(None)
def seen_from(path):
    seen, rest = set(), [path.resolve()]
    while rest:
        header = rest.pop()
        if header not in seen:
            seen.add(header)
            rest.extend(direct(header))
    return seen


def wanted(path):
    text = text_of(path)
    for name in sorted(set(re.findall(r"\b(?:at|torch)::([a-z_0-9]+)\(", text))):
        yield f"at::{name}", found_as(f"ATen/ops/{name}.h", path.parent)
    for name, header in DECLARED.items():
        if re.search(rf"\b{name}\b", text):
            yield name, found_as(header, path.parent)


missing = []
files = [path for folder in ("include", "src") for path in sorted((sources.root / folder).rglob("*"))
         if path.suffix in (".h", ".cpp") and "cuda" not in path.parts]
for path in files:
    if path.name != "parallel_for.cpp" and re.search(r"\bat::parallel_\w+\(", text_of(path)):
        missing.append(f"{path.relative_to(sources.root)}: loops over threads are detail::parallel_for, compiled with OpenMP")
    for name, header in wanted(path):
        if header and header.resolve() not in seen_from(path):
            missing.append(f"{path.relative_to(sources.root)}: {name} is declared in {header.name}")
print("\n".join(missing) or f"{len(files)} files include what they name of LibTorch")
sys.exit(bool(missing))
