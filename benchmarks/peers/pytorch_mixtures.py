# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch's mixtures of experts: modules as people write them (Eager), and all layers stacked by hand (Stacked)."""
import functools
import types

import torch
import torch.nn.functional as F
from torch import nn

import mixture_networks
from mixture_networks import EXPERTS, INPUTS, SHARED, TASKS, TOWER, WIDTH

OPERATIONS = types.SimpleNamespace(
    relu=torch.relu, softmax=functools.partial(torch.softmax, dim=-1), einsum=torch.einsum,
    linear=lambda state, w, b: torch.baddbmm(b[:, None], state.expand(len(w), -1, -1), w.mT))


def joint_loss(p, x, y):
    return F.mse_loss(mixture_networks.predict(OPERATIONS, p, x), y, reduction="sum") / len(y)


def mixed(gate, state, experts):
    return torch.bmm(torch.softmax(gate(state), 1).unsqueeze(1), experts).squeeze(1)


class Level(nn.Module):
    def __init__(self, inputs, columns, gates):
        super().__init__()
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(inputs, WIDTH), nn.ReLU()) for _ in range(EXPERTS)])
        self.gates = nn.ModuleList([nn.Linear(inputs, columns) for _ in range(TASKS)])
        if gates > TASKS:
            self.gates.append(nn.Linear(inputs, EXPERTS))

    def forward(self, states, shared):
        common = [expert(shared) for expert in self.experts[:SHARED]]
        own = [expert(state) for expert, state in zip(self.experts[SHARED:], states)]
        states_above = [mixed(gate, state, torch.stack([expert, *common], 1))
                        for gate, state, expert in zip(self.gates, states, own)]
        if len(self.gates) > TASKS:
            shared = mixed(self.gates[TASKS], shared, torch.stack([*own, *common], 1))
        return states_above, shared


class Experts(nn.Module):
    """The features of each task, [B, WIDTH]."""

    def __init__(self, kind):
        super().__init__()
        self.is_mmoe = kind == "MMoE"
        columns = EXPERTS if self.is_mmoe else 1 + SHARED
        self.levels = nn.ModuleList([Level(INPUTS, columns, TASKS + (kind == "PLE"))])
        if kind == "PLE":
            self.levels.append(Level(WIDTH, columns, TASKS))

    def forward(self, x):
        if self.is_mmoe:
            level = self.levels[0]
            experts = torch.stack([expert(x) for expert in level.experts], 1)
            return [mixed(gate, x, experts) for gate in level.gates]
        states, shared = TASKS * [x], x
        for level in self.levels:
            states, shared = level(states, shared)
        return states


def tower():
    return nn.Sequential(nn.Linear(WIDTH, TOWER), nn.ReLU(), nn.Linear(TOWER, 1))


class Eager:
    def __init__(self, problem):
        torch.set_num_threads(1)
        self.problem = problem
        self.x, self.y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
        self.columns = [self.y[:, t:t + 1].contiguous() for t in range(problem.tasks)]
        self.make(problem.mixture)
        self.optimizer = torch.optim.Adam(self.tensors, lr=problem.rate, fused=True)

    def make(self, kind):
        self.trunk, self.towers = Experts(kind), nn.ModuleList([tower() for _ in range(TASKS)])
        self.tensors = [*self.trunk.parameters(), *self.towers.parameters()]

    def parameters(self):
        return torch.cat([tensor.detach().reshape(-1) for tensor in self.tensors]).numpy()

    @torch.no_grad()
    def restart(self, flat):
        self.optimizer.state.clear()
        values = torch.from_numpy(flat.copy()).split([tensor.numel() for tensor in self.tensors])
        for tensor, value in zip(self.tensors, values):
            tensor.copy_(value.reshape(tensor.shape))

    def run(self, steps):
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.loss().backward()
            self.optimizer.step()

    def loss(self):
        return sum(F.mse_loss(head(features), target)
                   for head, features, target in zip(self.towers, self.trunk(self.x), self.columns))


class Stacked(Eager):
    def make(self, kind):
        self.p = {name: torch.from_numpy(value.copy()).requires_grad_()
                  for name, value in self.problem.split(self.problem.start).items()}
        self.tensors = list(self.p.values())

    def parameters(self):
        return self.problem.join({name: value.detach().numpy() for name, value in self.p.items()})

    @torch.no_grad()
    def restart(self, flat):
        self.optimizer.state.clear()
        for name, value in self.problem.split(flat).items():
            self.p[name].copy_(torch.from_numpy(value.copy()))

    def loss(self):
        return joint_loss(self.p, self.x, self.y)
