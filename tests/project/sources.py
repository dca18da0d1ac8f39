# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""What compat.py and tidy.py share: the project's sources without a build, a dozen as one."""
import concurrent.futures
import os
import pathlib
import subprocess

root = pathlib.Path(__file__).resolve().parents[2]
kernels = sorted(root.glob("src/*/kernels/*.cpp"))
library = [path for path in sorted(root.glob("src/**/*.cpp")) if "cuda" not in path.parts and path not in kernels]
tests = sorted([*root.glob("tests/**/*_test.cpp"), *root.glob("tests/support/*.cpp")])


def torch_include():
    """LibTorch's headers, where CMAKE_PREFIX_PATH or Torch_DIR name it."""
    named = os.environ.get("CMAKE_PREFIX_PATH", "").replace(";", os.pathsep).split(os.pathsep)
    for folder in map(pathlib.Path, filter(None, [*named, os.environ.get("Torch_DIR")])):
        for above in (folder, *folder.resolve().parents[:3]):
            if (above / "include/ATen/ATen.h").exists():
                return above / "include"
    raise SystemExit("set CMAKE_PREFIX_PATH to LibTorch")


def flags(torch_include, std="c++20"):
    """What the compiler needs to parse one of the sources, by the headers of that LibTorch."""
    torch_include = pathlib.Path(torch_include)
    fused = (torch_include / "ATen/ops/_fused_sgd_cpu_dispatch.h").exists()
    return [f"-std={std}", "-w", f"-I{root}/include", f"-I{root}/src", f"-I{root}",
            "-isystem", str(torch_include), "-isystem", str(torch_include / "torch/csrc/api/include"),
            "-isystem", "/usr/include/eigen3", "-DFMT_HEADER_ONLY", "-DPOLYTASK_HAS_BLAS=1",
            "-DUSE_DISTRIBUTED", "-DUSE_C10D_GLOO", f"-I{root}/src/distributed/declarations",
            f"-DPOLYTASK_HAS_FUSED_OPTIMIZERS={int(fused)}",
            '-DPOLYTASK_GOLDEN_DIR=""', f'-DPOLYTASK_SOURCE_DIR="{root}"']


def unities(paths, size=12):
    """Groups of files that one unit includes; kernels and programs' main stand alone."""
    alone = [path for path in paths if path in kernels]
    rest = [path for path in paths if path not in kernels]
    return [[path] for path in alone] + [rest[first:first + size] for first in range(0, len(rest), size)]


def unity_text(group):
    return "".join(f'#include "{path}"\n' for path in group)


def run_all(commands):
    """Runs (command, input) pairs on every core and yields what they print and return, in order."""
    def run(pair):
        return subprocess.run(pair[0], input=pair[1], text=True, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(run, commands)
