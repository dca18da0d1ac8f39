# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Parses every source with the headers of another LibTorch; nothing is linked or run.

    compat.py VERSION [--tests] [--compiler g++] [--together 12]

The headers come from the wheel of that version, without its dependencies, and stay in
build/compat/VERSION."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import sources

parser = argparse.ArgumentParser()
parser.add_argument("version", help="of LibTorch, such as 2.11 or 2.11.0")
parser.add_argument("--tests", action="store_true", help="parse the tests too")
parser.add_argument("--together", type=int, default=12, help="sources parsed as one; 1 shows every missing include")
parser.add_argument("--compiler", default=os.environ.get("CXX", "c++"))
parser.add_argument("--std", default="c++20")
args = parser.parse_args()
version = args.version if args.version.count(".") > 1 else args.version + ".0"
folder = sources.root / "build/compat" / version


def fetch():
    """The folder torch/include of the wheel."""
    include = folder / "torch/include"
    if include.exists():
        return include
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"fetching the headers of torch=={version} into {folder.relative_to(sources.root)}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # Where pip's settings hold torch at one version, this one download is free of them.
        free = dict(os.environ, PIP_CONFIG_FILE=os.devnull, PIP_CONSTRAINT="")
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "--only-binary=:all:",
                   "--python-version=3.12", "--dest", scratch, f"torch=={version}"]
        if subprocess.run(command, env=free).returncode != 0:
            sys.exit(f"the wheel torch=={version} cannot be had")
        wheel = next(pathlib.Path(scratch).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith("torch/include/")]
            archive.extractall(pathlib.Path(scratch) / "wheel", members)
        (pathlib.Path(scratch) / "wheel/torch").rename(folder / "torch")
    return include


flags = sources.flags(fetch(), args.std)
groups = [group for paths in (sources.kernels + sources.library, sources.tests if args.tests else [])
          for group in sources.unities(paths, args.together)]
command = [args.compiler, *flags, "-fsyntax-only", "-x", "c++", "-"]
failed = False
parsed = 0
for group, result in zip(groups, sources.run_all([(command, sources.unity_text(group)) for group in groups])):
    parsed += len(group)
    print(f"\r{parsed} sources", end="", file=sys.stderr, flush=True)
    if result.returncode != 0:
        failed = True
        print(result.stdout, flush=True)
print(file=sys.stderr)
compiler = subprocess.run([args.compiler, "--version"], text=True, stdout=subprocess.PIPE).stdout.splitlines()[0]
print(f"LibTorch {version}: {parsed} sources {'do not all parse' if failed else 'parse'}, {compiler}, -std={args.std}, {args.together} together")
sys.exit(failed)
