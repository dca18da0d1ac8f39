# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs clang-tidy on the library's files that changed, several as one; findings are errors.

    tidy.py [--base REF] [--all]

Changed: since the branch left REF (origin/main, if there is one), and where it has not, in the last
commit. --all takes every file. Where they are few, they are parsed one by one, too. The static
analyser, which takes as long as all else, is left to editors."""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import sources

ALONE = 40  # at most so many files are parsed alone, at several seconds each

parser = argparse.ArgumentParser()
parser.add_argument("--base", help="the commit to compare with")
parser.add_argument("--all", action="store_true")
parser.add_argument("--clang-tidy", default="clang-tidy-16")
args = parser.parse_args()


def git(*command):
    result = subprocess.run(["git", *command], cwd=sources.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return result.stdout.strip() if result.returncode == 0 else ""


def changed_files():
    head = git("rev-parse", "HEAD")
    base = git("merge-base", args.base or "origin/main", "HEAD")
    if args.base and not base:
        sys.exit(f"there is no commit {args.base}")
    if base in ("", head) and not args.base:
        base = git("rev-parse", "HEAD~1")
    # A clone of one commit knows nothing of what changed.
    names = git("diff", "--name-only", "--diff-filter=d", base, "--", "src", "include") if base else ""
    return [sources.root / name for name in names.splitlines()]


everything = sources.kernels + sources.library
paths = everything if args.all else [path for path in changed_files() if path.suffix == ".h" or path in everything]
include = sources.torch_include()
failed = False

# Alone, without what its neighbours in a unit include.
alone = [path for path in paths if path.suffix == ".cpp"]
if len(alone) > ALONE:
    print(f"{len(alone)} files are not parsed alone: `./dev compat VERSION --together 1` does it")
    alone = []
for path, result in zip(alone, sources.run_all(
        [([args.clang_tidy.replace("-tidy", "++"), "-fsyntax-only", *sources.flags(include), str(path)], None) for path in alone])):
    if result.returncode != 0:
        failed = True
        print(f"{path.relative_to(sources.root)} alone:\n{result.stdout}", flush=True)

with tempfile.TemporaryDirectory() as folder:
    commands = []
    for number, group in enumerate(sources.unities(paths, 40)):
        unit = pathlib.Path(folder) / f"{number}.cpp"
        unit.write_text(sources.unity_text(group))
        commands.append((
            [args.clang_tidy, "--quiet", f"--config-file={sources.root}/.clang-tidy", "--checks=-clang-analyzer-*",
             "--warnings-as-errors=*", f"--header-filter={sources.root}/(src|include)/", str(unit),
             "--", *sources.flags(include)], None))
    for result in sources.run_all(commands):
        if result.returncode != 0:
            failed = True
            print(result.stdout, flush=True)
print(f"clang-tidy: {len(paths)} files{', with findings' if failed else ''}")
sys.exit(failed)
