# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Checks what CMake says of other versions of LibTorch, with faked ones.

The installed package takes the minor version that it was built with and refuses others with one
line; the project itself warns outside of the versions that it is written for."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

parser = argparse.ArgumentParser()
for option in ("source", "build"):
    parser.add_argument(f"--{option}", required=True)
args = parser.parse_args()
source, build = pathlib.Path(args.source).resolve(), pathlib.Path(args.build).resolve()

package = (build / "polytaskConfig.cmake").read_text()
built_with = re.search(r"built with LibTorch ((\d+)\.(\d+)\S*?)[,\s]", package)
major, minor = int(built_with[2]), int(built_with[3])


def fake_torch(folder, version):
    """A LibTorch of that version, as far as find_package can see."""
    folder.mkdir(parents=True)
    (folder / "TorchConfig.cmake").write_text("add_library(torch INTERFACE IMPORTED)\nset(TORCH_FOUND TRUE)\n")
    (folder / "TorchConfigVersion.cmake").write_text(
        f'set(PACKAGE_VERSION "{version}")\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n')


def configure(work, version, project):
    """What CMake answers to a project without a language, in one line of single spaces."""
    shutil.rmtree(work, ignore_errors=True)
    fake_torch(work / "torch", version)
    (work / "CMakeLists.txt").write_text(f"cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES NONE)\n{project}")
    environment = {name: value for name, value in os.environ.items() if name not in ("CMAKE_PREFIX_PATH", "Torch_DIR")}
    result = subprocess.run(["cmake", "-S", work, "-B", work / "build", f"-DTorch_DIR={work / 'torch'}"],
                            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode, " ".join(result.stdout.split())


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder) / "work"
    installed = pathlib.Path(folder) / "polytask"
    installed.mkdir()
    shutil.copy(build / "polytaskConfig.cmake", installed)
    (installed / "polytaskTargets.cmake").write_text("add_library(polytask::polytask INTERFACE IMPORTED)\n")
    user = (f'find_package(polytask REQUIRED CONFIG PATHS "{installed}" NO_DEFAULT_PATH)\n'
            "if(NOT TARGET polytask::polytask)\n  message(FATAL_ERROR nothing)\nendif()\n")

    for version in (built_with[1], f"{major}.{minor}.9", f"{major}.{minor}.0a0+git1234567"):
        code, said = configure(work, version, user)
        assert code == 0, f"{version} is refused: {said}"
    for version in (f"{major}.{minor + 1}.0", f"{major}.{minor}1.0", f"{major + 1}.{minor}.0", f"{major}.{minor - 1}.0"):
        code, said = configure(work, version, user)
        assert code != 0, f"{version} is taken: {said}"
        reason = f"polytask was built with LibTorch {built_with[1]}, and this is LibTorch {version} ("
        assert reason in said, f"{version}: {said}"

    # The project, before it is built.
    finding = f'include("{source}/cmake/PolytaskTargets.cmake")\npolytask_find_torch()\n'
    text = (source / "cmake/PolytaskTargets.cmake").read_text()
    oldest, newest = (re.search(rf"POLYTASK_{end}_TORCH (\d+\.\d+)\)", text)[1] for end in ("OLDEST", "NEWEST"))
    below, above = (f"{end.split('.')[0]}.{int(end.split('.')[1]) + by}" for end, by in ((oldest, -1), (newest, 1)))
    warning = f"polytask is written for LibTorch {oldest} to {newest}, and this is "
    for version in (f"{oldest}.0", f"{newest}.3", built_with[1]):
        code, said = configure(work, version, finding)
        assert code == 0 and "is written for" not in said, said
    for version in (f"{below}.9", f"{above}.0"):
        code, said = configure(work, version, finding)
        assert code == 0 and f"{warning}{version} (" in said, said
print(f"built with {built_with[1]}; written for {oldest} to {newest}")
