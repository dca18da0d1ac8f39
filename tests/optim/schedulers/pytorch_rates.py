# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the rates of PyTorch's schedulers to pytorch_rates.h.

Run by hand: python3 tests/optim/schedulers/pytorch_rates.py (torch 2.13.0).
"""
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler as lr

STEPS = 30
RATES = [0.5, 0.02]


def warm_cosine(optimizer):
    warm_up = lr.LinearLR(optimizer, start_factor=0.2, total_iters=6)
    cosine = lr.CosineAnnealingLR(optimizer, T_max=24, eta_min=0.001)
    return lr.SequentialLR(optimizer, [warm_up, cosine], milestones=[6])


def chained(optimizer):
    return lr.ChainedScheduler([
        lr.ExponentialLR(optimizer, gamma=0.9),
        lr.StepLR(optimizer, step_size=4, gamma=0.5),
        lr.PolynomialLR(optimizer, total_iters=20, power=2.0),
    ])


def one_cycle(**options):
    return lambda optimizer: lr.OneCycleLR(optimizer, max_lr=RATES, total_steps=STEPS, **options)


SCHEDULERS = {
    "Step": lambda optimizer: lr.StepLR(optimizer, step_size=4, gamma=0.3),
    "MultiStep": lambda optimizer: lr.MultiStepLR(optimizer, milestones=[3, 10, 10, 25], gamma=0.5),
    "Exponential": lambda optimizer: lr.ExponentialLR(optimizer, gamma=0.9),
    "Cosine": lambda optimizer: lr.CosineAnnealingLR(optimizer, T_max=29, eta_min=0.001),
    "WarmCosine": warm_cosine,
    "Linear": lambda optimizer: lr.LinearLR(optimizer, start_factor=0.2, end_factor=0.9, total_iters=7),
    "Polynomial": lambda optimizer: lr.PolynomialLR(optimizer, total_iters=20, power=1.5),
    "Chained": chained,
    "OneCycle": one_cycle(cycle_momentum=False),
    "OneCycleLinear": one_cycle(
        anneal_strategy="linear", pct_start=0.45, div_factor=10.0, final_div_factor=100.0,
        cycle_momentum=False),
    "OneCycleThreePhase": one_cycle(three_phase=True, cycle_momentum=False),
    "OneCycleThreePhaseLinear": one_cycle(
        three_phase=True, anneal_strategy="linear", pct_start=0.4, cycle_momentum=False),
    "OneCycleFallsOnly": one_cycle(pct_start=0.0, cycle_momentum=False),
}


def optimizer():
    groups = [{"params": [torch.zeros(1)], "lr": rate} for rate in RATES]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def rates(make):
    stepped = optimizer()
    scheduler = make(stepped)
    record = []
    for _ in range(STEPS):
        record.append([group["lr"] for group in stepped.param_groups])
        stepped.step()
        scheduler.step()
    return record


# Metrics that fall, wait, fall a little, jump, and are no number once.
METRICS = [
    1.0, 0.8, 0.79995, 0.9, 0.85, 0.84, 0.7, 0.7, 0.7, 0.69999, 0.5, 0.6, float("nan"), 0.55, 0.56,
    0.45, 0.46, 0.47, 0.48, 0.449, 0.44, 0.44, 0.44, 0.44, 0.44, 0.44, 0.3, 0.31, 0.32, 0.33]
PLATEAUS = {
    "PlateauMin": dict(factor=0.3, patience=1),
    "PlateauMax": dict(mode="max", factor=0.5, patience=2, threshold=0.05),
    "PlateauAbsolute": dict(factor=0.5, patience=0, threshold=0.02, threshold_mode="abs", cooldown=2),
    "PlateauMaxAbsolute": dict(mode="max", factor=0.5, patience=3, threshold=0.1, threshold_mode="abs"),
    "PlateauFloors": dict(factor=0.1, patience=0, min_lr=[0.02, 0.001], eps=0.001),
}


def plateau_rates(options):
    stepped = optimizer()
    scheduler = lr.ReduceLROnPlateau(stepped, **options)
    record = []
    for metric in METRICS:
        stepped.step()
        scheduler.step(metric)
        record.append([group["lr"] for group in stepped.param_groups])
    return record


def cpp(value):
    return "NAN" if value != value else repr(float(value))


def momenta():
    stepped = optimizer()
    scheduler = one_cycle()(stepped)
    record = []
    for _ in range(STEPS):
        record.append(stepped.param_groups[0]["momentum"])
        stepped.step()
        scheduler.step()
    return record


def main():
    warnings.simplefilter("ignore")
    rows = "\n".join(
        f"inline constexpr double kPyTorch{name}[kPyTorchSteps][2] = {{\n"
        + "\n".join(f"    {{{float(a)!r}, {float(b)!r}}}," for a, b in rates(make)) + "\n};"
        for name, make in SCHEDULERS.items())
    plateaus = "\n".join(
        f"inline constexpr double kPyTorch{name}[kPyTorchSteps][2] = {{\n"
        + "\n".join(f"    {{{float(a)!r}, {float(b)!r}}}," for a, b in plateau_rates(options)) + "\n};"
        for name, options in PLATEAUS.items())
    text = f"""// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

// Written by pytorch_rates.py with PyTorch {torch.__version__.split("+")[0]}; do not edit.
// clang-format off
namespace polytask::testing {{

/// Rates of two groups, initially {RATES}, after 0, 1, ... steps.
inline constexpr int kPyTorchSteps = {STEPS};
{rows}
/// OneCycleLR's momentum of both groups.
inline constexpr double kPyTorchOneCycleMomentum[kPyTorchSteps] = {{
{chr(10).join(f"    {value!r}," for value in momenta())}
}};
/// What ReduceLROnPlateau is told, and the rates after that.
inline constexpr double kPlateauMetrics[kPyTorchSteps] = {{
{chr(10).join(f"    {cpp(value)}," for value in METRICS)}
}};
{plateaus}

}} // namespace polytask::testing
"""
    pathlib.Path(__file__).with_suffix(".h").write_text(text)


main()
