# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the CTest entries of a GoogleTest program: the files of a folder together, by the hundred tests.

Starting a process that links LibTorch takes longer than most tests, and seconds with sanitizers. A
*_test.cpp of the folder that the program has no test of is an error."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

LARGEST = 150  # tests of an entry; files with more are several, so that all cores have work to the end
SECONDS = 900  # after which an entry has failed
LONG = {"examples": 1000}  # folders whose tests take minutes with sanitizers, and are not to be the last alone

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

# Device halves run on a stand-in where there is no device, and what minds
# whether it has double, on one without, too.
def modes_of(path):
    text = path.read_text()
    if '#include "tests/support/devices.h"' not in text:
        return [("", "")]
    device = ";POLYTASK_STAND_IN_DEVICE="
    without = [(" without float64", device + "no_float64")] if "StandInDevice::has_float64" in text else []
    return [(" with device", device + "1"), *without]


def filters_of(path):
    for suite, tests in of_file[path].items():
        yield from [f"{suite}.*"] if len(tests) == size[suite] else [f"{suite}.{test}" for test in tests]


batches = {}  # (folder, mode): lists of files with LARGEST tests or a large one alone
for path in sorted(of_file):
    place = path.relative_to(folder.resolve()).parts
    count = sum(map(len, of_file[path].values()))
    for mode in modes_of(path):
        of_mode = batches.setdefault((place[0] if len(place) > 1 else "", *mode), [])
        if not of_mode or of_mode[-1][1] + count > LARGEST:
            of_mode.append(([], 0))
        of_mode[-1] = ([*of_mode[-1][0], path], of_mode[-1][1] + count)

entries = []
for (name, suffix, variables), of_mode in batches.items():
    parts = []  # (files, tests, variables)
    for files, count in of_mode:
        shards = -(-count // LARGEST)
        parts += [(files, count / shards, f";GTEST_TOTAL_SHARDS={shards};GTEST_SHARD_INDEX={shard}" if shards > 1 else "")
                  for shard in range(shards)]
    for number, (files, count, shard) in enumerate(parts, 1):
        entry = (name or "tests") + suffix + (f" {number} of {len(parts)}" if len(parts) > 1 else "")
        filters = ":".join(each for path in files for each in filters_of(path))
        entries.append(f'add_test("{entry}" "{program.resolve()}" "--gtest_filter={filters}")\n'
                       f'set_tests_properties("{entry}" PROPERTIES TIMEOUT {SECONDS} COST {round(count) + LONG.get(name, 0)} '
                       f'ENVIRONMENT "OMP_NUM_THREADS=1{variables}{shard}")\n')
output.write_text("".join(entries))
