# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the CTest entries of a GoogleTest program, one for each test file.

Starting a process that links LibTorch takes longer than most tests. A *_test.cpp of the folder
that the program has no test of is an error."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

LARGEST = 150  # tests of an entry; files with more are several, so that all cores have work to the end

program, folder, output = (pathlib.Path(part) for part in sys.argv[1:])
with tempfile.TemporaryDirectory() as scratch:
    listing = pathlib.Path(scratch) / "tests.json"
    command = [str(program.resolve()), "--gtest_list_tests", f"--gtest_output=json:{listing}"]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    result = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode != 0:
        sys.exit(f"{result.stdout}\n{program} cannot list its tests")
    suites = json.loads(listing.read_text())["testsuites"]

of_file = {}  # file: suite: its tests there
for suite in suites:
    for test in suite["testsuite"]:
        of_file.setdefault(pathlib.Path(test["file"]).resolve(), {}).setdefault(suite["name"], []).append(test["name"])
size = {suite["name"]: len(suite["testsuite"]) for suite in suites}

files = sorted(path.resolve() for path in folder.rglob("*_test.cpp"))
empty = [str(path.relative_to(folder.resolve())) for path in files if path not in of_file]
if empty:
    output.unlink(missing_ok=True)
    sys.exit(f"no test of these files is in {program}: {', '.join(empty)}")

entries = []
for path in sorted(of_file):
    filters = []
    for suite, tests in of_file[path].items():
        whole = len(tests) == size[suite]
        filters += [f"{suite}.*"] if whole else [f"{suite}.{test}" for test in tests]
    name = path.relative_to(folder.resolve()).with_suffix("").as_posix().removesuffix("_test")
    # Device halves run on a stand-in where there is no device, and what minds
    # whether it has double, on one without, too.
    text = path.read_text()
    modes = {"": "1", " without float64": "no_float64"} if "StandInDevice::has_float64" in text else {"": "1"}
    for suffix, mode in modes.items():
        device = f";POLYTASK_STAND_IN_DEVICE={mode}" if '#include "tests/support/devices.h"' in text else ""
        count = sum(map(len, of_file[path].values()))
        shards = -(-count // LARGEST)
        for shard in range(shards):
            entry, part = name + suffix, ""
            if shards > 1:
                entry += f" {shard + 1} of {shards}"
                part = f";GTEST_TOTAL_SHARDS={shards};GTEST_SHARD_INDEX={shard}"
            entries.append(f'add_test("{entry}" "{program.resolve()}" "--gtest_filter={":".join(filters)}")\n'
                           f'set_tests_properties("{entry}" PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=1{device}{part}" '
                           f'COST {count // shards})\n')
output.write_text("".join(entries))
