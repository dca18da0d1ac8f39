# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The example `distributed` alone and as processes that torchrun starts: the same figures, also
where one of them is killed on the way."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

program = sys.argv[1]
environment = {**os.environ, "PYTHONPATH": os.environ.get("POLYTASK_TORCH_SITE", ""), "GLOO_SOCKET_IFNAME": "lo"}
torchrun = [sys.executable, "-m", "torch.distributed.run", "--no-python", "--standalone", "--nproc-per-node"]
if subprocess.run([sys.executable, "-c", "import torch.distributed.run"], env=environment, capture_output=True).returncode:
    print("skipped: this Python has no torchrun")
    sys.exit(77)


def workers():
    """The processes that run the program."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "exe").resolve() == pathlib.Path(program).resolve():
                yield int(process.name)
        except OSError:
            pass


def figures(*command, kill_after=None):
    """`kill_after`: one process is killed when there is such a file."""
    running = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    killed = kill_after is None
    while not killed and running.poll() is None:
        if any(kill_after.glob("checkpoint-*")):
            os.kill(max(workers()), signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    output, errors = running.communicate(timeout=300)
    found = re.findall(r"heating ([0-9.]+), cooling ([0-9.]+)", output)
    if running.returncode or len(found) != 1 or not killed:
        sys.exit(f"{command} gave {running.returncode}, killed: {killed}\n{output}\n{errors}")
    return [float(figure) for figure in found[0]]


for method in ("sum", "upgrad"):
    options = (program, "--epochs", "5", "--method", method)
    alone = figures(*options)
    for ranks in ("2", "3"):
        together = figures(*torchrun, ranks, *options)
        print(f"{method}: alone {alone}, {ranks} processes {together}")
        if any(abs(one - other) > 0.002 for one, other in zip(alone, together)):
            sys.exit("the figures differ")

with tempfile.TemporaryDirectory() as folder:
    options = (program, "--epochs", "150", "--folder")
    whole = figures(*torchrun, "2", *options, f"{folder}/whole")
    killed = figures(*torchrun, "2", "--max-restarts", "1", *options, f"{folder}/killed", kill_after=pathlib.Path(folder, "killed"))
    print(f"whole {whole}, with one process killed {killed}")
    if whole != killed:
        sys.exit("the figures differ")
