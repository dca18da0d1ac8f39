# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Trains the original job in PyTorch and writes pytorch_trajectory.h.

Run by hand: python3 tests/training/pytorch_trajectory.py (torch 2.13.0, CPU).
"""
import pathlib
import random

import torch

JOINT_STEPS = [1, 2, 5, 10, 50, 100, 200, 299]
ALTERNATING_STEPS = [1, 2, 5, 10, 100, 500, 1000]


def tasks(w):
    made = []
    for row in w:
        layer = torch.nn.Linear(2, 1)
        with torch.no_grad():
            layer.weight.copy_(row)
            layer.bias.zero_()
        made.append(layer)
    return made


def parameters(layers):
    return [v for layer in layers for v in (*layer.weight[0].tolist(), layer.bias.item())]


def joint(x, y, w):
    layers = tasks(w)
    optimizer = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=0.5)
    record = []
    for step in range(1, JOINT_STEPS[-1] + 1):
        optimizer.zero_grad()
        loss1, loss2 = (torch.nn.functional.mse_loss(layer(x), t) for layer, t in zip(layers, y))
        (loss1 + loss2).backward()
        optimizer.step()
        if step in JOINT_STEPS:
            record.append([step, *parameters(layers)])
    return record


def alternating(x, y, w, draws):
    layers = tasks(w)
    optimizers = [torch.optim.SGD(layer.parameters(), lr=0.5) for layer in layers]
    record = []
    for step, draw in enumerate(draws, start=1):
        optimizers[draw].zero_grad()
        torch.nn.functional.mse_loss(layers[draw](x), y[draw]).backward()
        optimizers[draw].step()
        if step in ALTERNATING_STEPS:
            record.append([step, *parameters(layers)])
    return record


def number(value):
    text = f"{value:.9g}"
    return (text if set(text) & set(".e") else text + ".0") + "F"


def numbers(values):
    return ", ".join(map(number, values))


def main():
    torch.set_num_threads(1)
    torch.manual_seed(20)
    x = torch.rand(2, 100).t().contiguous()
    y = [(x @ torch.tensor(w) + b).unsqueeze(1) for w, b in (([0.1, 0.2], 0.3), ([0.5, 0.9], 3.0))]
    w = torch.empty(2, 2).uniform_(-1, 1)
    draws = random.Random(20).choices([0, 1], k=1000)

    def rows(record):
        return "\n".join(f"    {{{int(r[0])}, {{{numbers(r[1:])}}}}}," for r in record)

    digits = "".join(map(str, draws))
    lines = "\n".join(f'    "{digits[i:i + 60]}"' for i in range(0, len(digits), 60))
    targets = "\n".join(f"    {{{numbers(t.flatten().tolist())}}}," for t in y)
    text = f"""// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Written by pytorch_trajectory.py with PyTorch {torch.__version__.split("+")[0]}; do not edit.
// clang-format off
namespace polytask::testing {{

struct PyTorchRecord {{
  int step;
  /// w11, w12, b1, w21, w22, b2 after that step.
  float parameters[6];
}};

inline constexpr float kPyTorchInput[100][2] = {{
{chr(10).join(f"    {{{numbers(r)}}}," for r in x.tolist())}
}};
inline constexpr float kPyTorchTargets[2][100] = {{
{targets}
}};
inline constexpr float kPyTorchWeights[2][2] = {{
{chr(10).join(f"    {{{numbers(r)}}}," for r in w.tolist())}
}};
inline constexpr PyTorchRecord kPyTorchJoint[] = {{
{rows(joint(x, y, w))}
}};
inline constexpr char kPyTorchDraws[] =
{lines};
inline constexpr PyTorchRecord kPyTorchAlternating[] = {{
{rows(alternating(x, y, w, draws))}
}};

}} // namespace polytask::testing
"""
    pathlib.Path(__file__).with_suffix(".h").write_text(text)


main()
