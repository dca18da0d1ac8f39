# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Steps PyTorch's optimizers through its GradScaler and writes pytorch_grad_scaler.h.

Run by hand: python3 tests/optim/pytorch_grad_scaler.py (torch 2.13.0, CPU).
"""
import pathlib

import torch

STEPS = 32
SIZES = [11, 1]  # more than a vector register, and a scalar
LARGE = dict(growth_interval=3)  # the first steps overflow
SMALL = dict(init_scale=2048.0, growth_interval=3)
# No powers of two: division by the scale and by way of its reciprocal differ.
ODD = dict(init_scale=20000.1, growth_factor=1.7, backoff_factor=0.3, growth_interval=4)
SGD = dict(lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01)
ADAM = dict(lr=0.05, weight_decay=0.01, amsgrad=True)
ADAMW = dict(lr=0.05, weight_decay=0.1)

# Name: optimizer, its options, the scaler's, the norm that gradients are clipped to or 0. PyTorch's
# fused SGD forgets to start the momentum of a parameter whose first step overflows, so that one is
# its plain one.
CASES = {
    "SGD": (torch.optim.SGD, dict(SGD, fused=True), SMALL, 0.0),
    "SGDClipped": (torch.optim.SGD, dict(SGD, fused=True), SMALL, 1.0),
    "SGDFirstOverflows": (torch.optim.SGD, dict(SGD, foreach=False), LARGE, 0.0),
    "SGDOddScales": (torch.optim.SGD, dict(lr=0.1, fused=True), ODD, 0.0),
    "Adam": (torch.optim.Adam, dict(ADAM, fused=True), LARGE, 0.0),
    "AdamClipped": (torch.optim.Adam, dict(ADAM, fused=True), ODD, 1.0),
    "AdamW": (torch.optim.AdamW, dict(ADAMW, fused=True), ODD, 0.0),
    "AdamWClipped": (torch.optim.AdamW, dict(ADAMW, fused=True), LARGE, 1.0),
}


def gradients():
    """Of each step, before they are scaled; some are infinite or NaN."""
    torch.manual_seed(4)
    record = torch.randn(STEPS, sum(SIZES))
    record[9, 0] = float("nan")
    record[17, 10] = float("nan")
    record[17, 11] = float("inf")
    record[18, 11] = -float("inf")
    record[24] = float("nan")
    return record


def run(kind, options, scaling, max_norm):
    parameters = [torch.linspace(-1, 1, size).requires_grad_() for size in SIZES]
    optimizer = kind(parameters, **options)
    scaler = torch.amp.GradScaler("cpu", **scaling)
    record = []
    for values in gradients():
        optimizer.zero_grad()
        loss = sum((p * g).sum() for p, g in zip(parameters, values.split(SIZES)))
        scaler.scale(loss).backward()
        for p in parameters:  # as computed in half, whose range ends at 65504
            p.grad.copy_(p.grad.half())
        if max_norm:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        scaler.step(optimizer)
        scaler.update()
        record.append((scaler.get_scale(), scaler._get_growth_tracker(), torch.cat(parameters).tolist()))
    return record


def number(value):
    if value != value:
        return "NAN"
    if abs(value) == float("inf"):
        return "INFINITY" if value > 0 else "-INFINITY"
    text = f"{value:.9g}"
    return (text if set(text) & set(".e") else text + ".0") + "F"


def numbers(values):
    return ", ".join(map(number, values))


def rows(record):
    return "\n".join(f"    {{{scale!r}, {tracker}, {{{numbers(values)}}}}}," for scale, tracker, values in record)


def main():
    torch.set_num_threads(1)
    records = "\n".join(
        f"inline constexpr GradScalerRecord kGradScaler{name}[] = {{\n{rows(run(*case))}\n}};"
        for name, case in CASES.items())
    recorded = "\n".join(f"    {{{numbers(values)}}}," for values in gradients().tolist())
    text = f"""// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

// Written by pytorch_grad_scaler.py with PyTorch {torch.__version__.split("+")[0]}; do not edit.
// clang-format off
namespace polytask::testing {{

inline constexpr int kGradScalerSteps = {STEPS};
/// Of two parameters, of {SIZES[0]} elements and of {SIZES[1]}.
inline constexpr int kGradScalerSizes[] = {{{", ".join(map(str, SIZES))}}};

/// After a step and an update.
struct GradScalerRecord {{
  double scale;
  int growth_tracker;
  float parameters[{sum(SIZES)}];
}};

/// Before they are scaled.
inline constexpr float kGradScalerGradients[kGradScalerSteps][{sum(SIZES)}] = {{
{recorded}
}};

{records}

}} // namespace polytask::testing
"""
    pathlib.Path(__file__).with_suffix(".h").write_text(text)


main()
