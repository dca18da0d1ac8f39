# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The example `distributed` alone and as processes that torchrun starts: the same figures."""
import os
import re
import subprocess
import sys

program = sys.argv[1]
environment = {**os.environ, "PYTHONPATH": os.environ.get("POLYTASK_TORCH_SITE", ""), "GLOO_SOCKET_IFNAME": "lo"}
torchrun = [sys.executable, "-m", "torch.distributed.run", "--no-python", "--standalone", "--nproc-per-node"]
if subprocess.run([sys.executable, "-c", "import torch.distributed.run"], env=environment, capture_output=True).returncode:
    print("skipped: this Python has no torchrun")
    sys.exit(77)


def figures(*command):
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=300)
    found = re.findall(r"heating ([0-9.]+), cooling ([0-9.]+)", done.stdout)
    if done.returncode or len(found) != 1:
        sys.exit(f"{command} gave {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return [float(figure) for figure in found[0]]


for method in ("sum", "upgrad"):
    options = (program, "--epochs", "5", "--method", method)
    alone = figures(*options)
    for ranks in ("2", "3"):
        together = figures(*torchrun, ranks, *options)
        print(f"{method}: alone {alone}, {ranks} processes {together}")
        if any(abs(one - other) > 0.002 for one, other in zip(alone, together)):
            sys.exit("the figures differ")
