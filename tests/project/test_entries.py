# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks tests/cmake/test_files.py with a program that only lists tests."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

script = pathlib.Path(sys.argv[1]) / "tests/cmake/test_files.py"

with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    for name in ("loss_test.cpp", "optim/step_test.cpp"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    output = folder / "entries.cmake"

    def entries(*tests):
        """What the script says, and the filter of each entry, of a program with (file, suite, test)s."""
        suites = {}
        for file, suite, test in tests:
            suites.setdefault(suite, []).append({"name": test, "file": str(folder / file), "line": 1})
        listing = {"testsuites": [{"name": name, "testsuite": found} for name, found in suites.items()]}
        program = folder / "program"
        program.write_text(f"#!{sys.executable}\nimport sys\n"
                           f"open(sys.argv[2].partition('json:')[2], 'w').write({json.dumps(listing)!r})\n")
        program.chmod(0o755)
        result = subprocess.run([sys.executable, script, program, folder, output], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        found = re.findall(r'add_test\("(.*?)" ".*?" "--gtest_filter=(.*?)"\)', output.read_text()) if output.exists() else []
        return result.returncode, result.stderr, dict(found)

    before = [("loss_test.cpp", "Loss", "A"), ("optim/step_test.cpp", "All/Step", "A/0"), ("optim/step_test.cpp", "All/Step", "A/1")]
    assert entries(*before) == (0, "", {"tests": "Loss.*", "optim": "All/Step.*"})

    # A suite more in a file that is there.
    more = entries(*before, ("loss_test.cpp", "LossShapes", "B"))
    assert more == (0, "", {"tests": "Loss.*:LossShapes.*", "optim": "All/Step.*"}), more

    # A suite of two files is run by each in part.
    shared = entries(*before, ("optim/step_test.cpp", "Loss", "B"))
    assert shared == (0, "", {"tests": "Loss.A", "optim": "Loss.B:All/Step.*"}), shared

    # A large file is several entries, small ones of a folder are one.
    (folder / "optim/small_test.cpp").write_text('#include "tests/support/devices.h"\n')
    (folder / "optim/tiny_test.cpp").touch()
    small = [(f"optim/{name}_test.cpp", name, "A") for name in ("small", "tiny")]
    many = entries(before[0], *small, *(("optim/step_test.cpp", "All/Step", f"A/{i}") for i in range(301)))
    step = {f"optim {i} of 4": "All/Step.*" for i in (1, 2, 3)}
    assert many == (0, "", {"tests": "Loss.*", "optim with device": "small.*", **step, "optim 4 of 4": "tiny.*"}), many
    for _, suite, _ in small:
        (folder / f"optim/{suite}_test.cpp").unlink()

    # A file without a test.
    code, said, found = entries(before[0])
    assert code != 0 and "no test of these files is in" in said and "optim/step_test.cpp" in said and not found, said
print("entries of suites, of files that share one, and none of files without a test")
