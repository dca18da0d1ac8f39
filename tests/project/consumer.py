# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Builds README's own CMakeLists.txt and program as a user would, and runs them.

`installed` uses the installed package with nothing but CMAKE_PREFIX_PATH set, and
compiles and runs every other C++ block of README.md and docs/ too; `subdirectory`
uses add_subdirectory.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

parser = argparse.ArgumentParser()
for option in ("way", "source", "build", "torch", "cxx", "work"):
    parser.add_argument(f"--{option}", required=True)
args = parser.parse_args()
source, work = pathlib.Path(args.source), pathlib.Path(args.work)
torch_prefix = pathlib.Path(args.torch).parent


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.S | re.M)


def run(*command, **options):
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], check=True, **options)


readme = source / "README.md"
programs = blocks(readme, "cpp")
project = blocks(readme, "cmake")
assert programs and len(project) == 1, "README has no program or not one cmake block"
assert "find_package(polytask REQUIRED)" in project[0]

shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
prefix = [str(torch_prefix)]
text = project[0]
if args.way == "installed":
    run("cmake", "--install", args.build, "--prefix", work / "prefix", stdout=subprocess.DEVNULL)
    prefix.append(str(work / "prefix"))
    programs += [block for page in sorted(source.glob("docs/*.md")) for block in blocks(page, "cpp")]
else:
    text = text.replace("find_package(polytask REQUIRED)", f'add_subdirectory("{source}" polytask)')
    programs = programs[:1]
names = ["main"] + [f"block{i}" for i in range(1, len(programs))]
for name, program in zip(names, programs):
    (work / f"{name}.cpp").write_text(program)
for name in names[1:]:
    text += f"add_executable({name} {name}.cpp)\ntarget_link_libraries({name} polytask::polytask)\n"
(work / "CMakeLists.txt").write_text(text)

environment = dict(os.environ, CMAKE_PREFIX_PATH=os.pathsep.join(prefix), CXX=args.cxx)
options = ["-DPOLYTASK_UNITY=ON"] if args.way == "subdirectory" else []
run("cmake", "-G", "Ninja", "-S", work, "-B", work / "build", *options, env=environment,
    stdout=subprocess.DEVNULL)
run("cmake", "--build", work / "build", env=environment, stdout=subprocess.DEVNULL)
executable = re.search(r"add_executable\((\w+)", project[0])[1]
for name in [executable, *names[1:]]:
    run(work / "build" / name)
sys.exit()
