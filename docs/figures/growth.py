# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Draws growth.svg from what the benchmarks print; needs matplotlib.

build/bench/benchmarks/polytask_benchmarks --growth | python3 docs/figures/growth.py
"""
import csv
import pathlib
import sys

import matplotlib.pyplot as plt

AXES = {"T": "tasks T  (B = 256, d = 16)", "B": "rows B  (T = 4, d = 8)", "d": "features d  (T = 4, B = 256)"}
STYLES = {"loop": ("C3", "-"), "step": ("C0", "-"), "run on residuals": ("C0", "--"), "run": ("C2", "-"), "floor": ("0.5", ":")}

curves = {axis: {} for axis in AXES}
for row in csv.DictReader(sys.stdin):
    points = curves[row["axis"]].setdefault(row["contender"], [])
    points.append((int(row["value"]), float(row["microseconds"])))

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "polytask", "font.size": 9})
figure, axes = plt.subplots(1, 3, figsize=(8, 3), sharey=True)
for axis, (name, contenders) in zip(axes, curves.items()):
    for contender, points in contenders.items():
        colour, line = STYLES[contender]
        axis.loglog(*zip(*points), color=colour, ls=line, lw=1.2, label=contender)
    axis.set(xlabel=AXES[name])
axes[0].set_ylabel("µs per step (joint, one thread)")
axes[0].legend(frameon=False)
figure.tight_layout()
figure.savefig(pathlib.Path(__file__).with_suffix(".svg"), metadata={"Date": None})
