# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Draws parameters.svg from what the example prints; needs matplotlib.

build/dev/examples/linear_transform | python3 docs/figures/parameters.py
"""
import pathlib
import re
import sys

import matplotlib.pyplot as plt

TRUTH = [[0.1, 0.2, 0.3], [0.5, 0.9, 3.0]]
NAMES = [["W1[0]", "W1[1]", "b1"], ["W2[0]", "W2[1]", "b2"]]
SHOWN = 120  # steps

curves = {"alternating": [{}, {}], "joint": [{}, {}]}
for line in sys.stdin:
    if not (found := re.match(r"(\d+) (W1,b1,W2,b2|W[12],b[12]): (.*)", line)):
        continue
    values = [float(v) for v in re.findall(r"[-\d.]+", found[3])]
    joint = "," in found[2][5:]
    for task in (0, 1) if joint else [int(found[2][1]) - 1]:
        strategy = curves["joint" if joint else "alternating"]
        strategy[task][int(found[1])] = values[3 * task:] if joint else values

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "polytask", "font.size": 9})
figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True)
for axis, (strategy, tasks) in zip(axes, curves.items()):
    for task, steps in enumerate(tasks):
        at = [step for step in sorted(steps) if step <= SHOWN]
        for i, (name, truth) in enumerate(zip(NAMES[task], TRUTH[task])):
            colour = f"C{3 * task + i}"
            axis.plot(at, [steps[step][i] for step in at], colour, lw=1.2, label=name)
            axis.axhline(truth, color=colour, lw=0.6, ls=":")
    axis.set(title=strategy, xlabel="step", ylim=(-1, 4.5))
axes[0].set_ylabel("parameter (dotted: the truth)")
axes[1].legend(ncol=2, frameon=False)
figure.tight_layout()
figure.savefig(pathlib.Path(__file__).with_suffix(".svg"), metadata={"Date": None})
