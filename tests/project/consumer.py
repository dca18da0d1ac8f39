# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Builds README's own CMakeLists.txt and program as a user would, and runs them.

`installed` uses the installed package with nothing but CMAKE_PREFIX_PATH set, and compiles and
runs every other C++ block of README.md and docs/ too: each in a namespace of its own, as one
program, since LibTorch's headers take longer than all of them. It runs with polytask as a shared
library, whose objects are those of the static one. `subdirectory` uses add_subdirectory, and
compiles a line that includes polytask, but not polytask itself, which its own tree does in the
same way.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

parser = argparse.ArgumentParser()
for option in ("way", "source", "work"):
    parser.add_argument(f"--{option}", required=True)
parser.add_argument("--build", help="the build tree to install from")
parser.add_argument("--shared", help="polytask as a shared library")
parser.add_argument("--torch", help="the folder of TorchConfig.cmake; else CMAKE_PREFIX_PATH names it")
parser.add_argument("--cxx", default=os.environ.get("CXX", "c++"))
args = parser.parse_args()
source, work = pathlib.Path(args.source).resolve(), pathlib.Path(args.work).resolve()


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.S | re.M)


def method_examples(folder):
    """One program of the blocks that are bodies of the function in the folder's README.md."""
    bodies = [block for page in sorted(folder.glob("*.md")) for block in blocks(page, "cpp")]
    preamble = re.search(r"^```text\n(using .*?)^```", (folder / "README.md").read_text(), re.S | re.M)[1]
    usings = "".join(re.findall(r"^using .*\n", preamble, re.M))
    head = re.sub(r"\s*//.*", "", preamble[len(usings):]).strip().rstrip(";")
    functions, calls = "", ""
    for number, body in enumerate(bodies):
        functions += head.replace("void example(", f"void example{number}(") + f" {{\n{body}}}\n"
        calls += f"  example{number}(model, batch, jacobian, losses);\n"
    return f"""#include <polytask/polytask.h>
{usings}{functions}
int main() {{
  torch::nn::Sequential trunk(torch::nn::Linear(2, 4), torch::nn::Tanh());
  MultiTaskModel model{{HardSharing(trunk)}};
  for (const char* name : {{"a", "b", "c"}}) {{
    model->add_task(name, LinearTask(4, 1));
  }}
  auto y = torch::rand({{8, 1}});
  Batch batch(torch::rand({{8, 2}}), {{{{"a", y}}, {{"b", 1 - y}}, {{"c", 2 * y}}}});
  auto jacobian = torch::randn({{3, 5}}), losses = torch::tensor({{0.5, 1.0, 2.0}});
{calls}}}
"""


def one_program(blocks_of):
    """Every block, a program with a main of its own, one after another."""
    includes, namespaces, calls = {}, "", ""
    for where, block in blocks_of:
        assert "#include <polytask/" in block and "int main() {" in block, f"{where}: not a program"
        includes |= dict.fromkeys(re.findall(r"^#include .*\n", block, re.M))
        name = "block_" + re.sub(r"\W", "_", where)
        body = re.sub(r"^#include .*\n", "", block, flags=re.M).replace("int main() {", "int run() {")
        # A main without a return returns 0.
        body = re.sub(r"\n}\s*\Z", "\n  return 0;\n}\n", body)
        namespaces += f"namespace {name} {{\n{body}}}\n"
        calls += f'  std::puts("{where}");\n  if ({name}::run() != 0) return 1;\n'
    return f'{"".join(includes)}#include <cstdio>\n{namespaces}int main() {{\n{calls}}}\n'


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
prefix = [str(pathlib.Path(args.torch).parent)] if args.torch else os.environ["CMAKE_PREFIX_PATH"].split(os.pathsep)
text = project[0]
if args.way == "installed":
    run("cmake", "--install", args.build, "--prefix", work / "prefix", stdout=subprocess.DEVNULL)
    prefix.append(str(work / "prefix"))
    others = [(f"README.md {i}", block) for i, block in enumerate(programs[1:], 2)]
    others += [(f"docs/{page.name} {i}", block) for page in sorted(source.glob("docs/*.md"))
               for i, block in enumerate(blocks(page, "cpp"), 1)]
    others.append(("docs/balancing", method_examples(source / "docs/balancing")))
    (work / "pages.cpp").write_text(one_program(others))
    text += f"""
add_library(pages OBJECT pages.cpp)
target_link_libraries(pages PRIVATE polytask::polytask)
add_executable(pages_shared $<TARGET_OBJECTS:pages>)
set_target_properties(pages_shared PROPERTIES LINKER_LANGUAGE CXX)
target_link_libraries(pages_shared "{args.shared}" torch)
"""
else:
    text = text.replace("find_package(polytask REQUIRED)", f'add_subdirectory("{source}" polytask)')
    programs[0] = "#include <polytask/core/batch.h>\nint main() {}\n"
(work / "main.cpp").write_text(programs[0])
(work / "CMakeLists.txt").write_text(text)

program = re.search(r"add_executable\((\w+)", project[0])[1]
environment = dict(os.environ, CMAKE_PREFIX_PATH=os.pathsep.join(prefix), CXX=args.cxx)
tree = work / "build"
run("cmake", "-G", "Ninja", "-S", work, "-B", tree, env=environment, stdout=subprocess.DEVNULL)
targets = [] if args.way == "installed" else ["--target", f"CMakeFiles/{program}.dir/main.cpp.o"]
built = subprocess.run(["cmake", "--build", str(tree), *targets], env=environment, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
if built.returncode != 0:
    sys.exit(built.stdout)
if args.way == "installed":
    run(tree / program, cwd=work)
    run(tree / "pages_shared", cwd=work)
