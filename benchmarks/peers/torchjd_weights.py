# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Weights of one Gramian (or the direction of one Jacobian): polytask's table with TorchJD's times beside it.

    torchjd_weights.py POLYTASK_BENCHMARKS FOLDER

The C++ program writes the Jacobians to FOLDER and prints its times; TorchJD is called on the same ones.
"""
import pathlib
import re
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from torchjd import aggregation as A

GRAMIAN = {
    "mgda": lambda t: A.MGDAWeighting(), "pcgrad": lambda t: A.PCGradWeighting(),
    "gradvac": lambda t: A.GradVacWeighting(), "cagrad": lambda t: A.CAGradWeighting(c=0.5),
    "fairgrad": lambda t: A.FairGradWeighting(alpha=1.0), "imtl_g": lambda t: A.IMTLGWeighting(),
    "aligned_mtl": lambda t: A.AlignedMTLWeighting(), "upgrad": lambda t: A.UPGradWeighting(),
    "dualproj": lambda t: A.DualProjWeighting(), "krum": lambda t: A.KrumWeighting(n_byzantine=0),
    "sum": lambda t: A.SumWeighting(), "random": lambda t: A.RandomWeighting()}
JACOBIAN = {  # no weighting of a Gramian there
    "nash_mtl": lambda t: A.NashMTL(n_tasks=t), "config": lambda t: A.ConFIG(), "graddrop": lambda t: A.GradDrop(),
    "trimmed_mean": lambda t: A.TrimmedMean(trim_number=0)}


def microseconds(call):
    call()
    begin = time.perf_counter()
    call()
    once = time.perf_counter() - begin
    calls = max(1, min(200, int(0.02 / once)))
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        times.append(1e6 * (time.perf_counter() - begin) / calls)
    return statistics.median(times)


def main():
    torch.set_num_threads(1)
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    text = subprocess.run([program, "--weights", "--data", folder], capture_output=True, text=True, check=True).stdout
    own = {name: [float(value) for value in re.findall(r"[\d.]+", rest)]
           for name, rest in re.findall(r"^\| (\w+) \|((?: [\d.]+ \|)+)$", text, re.M)}
    print("Microseconds for one call on one thread, float64, polytask / TorchJD (how many times faster).\n")
    print("| method | T = 2 | T = 8 | T = 32 |\n|--|--:|--:|--:|")
    for name, times in own.items():
        make = GRAMIAN.get(name) or JACOBIAN.get(name)
        cells = []
        for tasks, mine in zip((2, 8, 32), times):
            if make is None or (name == "krum" and tasks < 3):
                cells.append(f"{mine:.2f}")
                continue
            jacobian = torch.from_numpy(np.fromfile(folder / f"jacobian_{tasks}.f64").reshape(tasks, -1))
            given = jacobian @ jacobian.T if name in GRAMIAN else jacobian
            method = make(tasks)
            theirs = microseconds(lambda: method(given))
            cells.append(f"{mine:.2f} / {theirs:,.0f} ({theirs / mine:,.0f}×)")
        print("| " + " | ".join([name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
