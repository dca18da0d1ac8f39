# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The example `distributed` alone and as processes that torchrun starts, with tasks apart and as README has it too: the
same figures, also where one of them is killed on the way."""
import os
import pathlib
import re
import shlex
import signal
import socket
import stat
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


def compare(what, alone, together):
    print(f"{what}: alone {alone}, together {together}")
    if any(abs(one - other) > 0.002 for one, other in zip(alone, together)):
        sys.exit("the figures differ")


for job in (["--method", "sum"], ["--method", "upgrad"], ["--alternate"]):
    options = (program, "--epochs", "5", *job)
    alone = figures(*options)
    for ranks in ("2", "3"):
        compare(f"{job}, {ranks} processes", alone, figures(*torchrun, ranks, *options))
        if job != ["--alternate"]:  # which then trains several tasks at once
            compare(f"{job}, {ranks} processes with tasks apart", alone,
                    figures(*torchrun, ranks, *options, "--tasks-apart"))

# README's commands, with both machines on this one, and Slurm's programs as it would behave.
SRUN = """#!/usr/bin/env python3
import os, subprocess, sys
count = int(sys.argv[sys.argv.index("--ntasks") + 1])
command = sys.argv[sys.argv.index("cores") + 1:]
started = [subprocess.Popen(command, env={**os.environ, "SLURM_PROCID": str(rank), "SLURM_NTASKS": str(count)})
           for rank in range(count)]
sys.exit(max(process.wait() for process in started))
"""
readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
blocks = re.findall(r"```sh\n(.*?)```", readme[readme.index("## Several machines"):readme.index("## Linking it")], re.S)
options = ("--epochs", "5")
alone = figures(program, *options)
with tempfile.TemporaryDirectory() as folder:
    for name, text in (("srun", SRUN), ("scontrol", "#!/bin/sh\necho localhost\n"),
                       ("torchrun", f'#!/bin/sh\nexec {sys.executable} -m torch.distributed.run "$@"\n')):
        path = pathlib.Path(folder, name)
        path.write_text(text, encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    for block in blocks:
        with socket.socket() as found:
            found.bind(("", 0))
            port = found.getsockname()[1]
        line = block.replace("build/dev/examples/distributed", shlex.join([program, *options])).strip()
        line = line.replace("<name of the first>", "localhost").replace("29500", str(port))
        if "--nnodes 2" in line:
            line = f"{line} &\n{line.replace('--node-rank 0', '--node-rank 1')}; wait"
        elif "--nnodes" not in line:
            line = line.replace("torchrun ", f"torchrun --master-port {port} ")
        compare(block.strip(), alone, figures("sh", "-c", line))
if len(blocks) != 3:
    sys.exit(f"README has {len(blocks)} commands")

with tempfile.TemporaryDirectory() as folder:
    options = (program, "--epochs", "150", "--folder")
    whole = figures(*torchrun, "2", *options, f"{folder}/whole")
    killed = figures(*torchrun, "2", "--max-restarts", "1", *options, f"{folder}/killed", kill_after=pathlib.Path(folder, "killed"))
    print(f"whole {whole}, with one process killed {killed}")
    if whole != killed:
        sys.exit("the figures differ")
