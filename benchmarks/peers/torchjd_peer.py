# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""TorchJD: the Jacobian of all tasks and an aggregator (autojac), or the Gramian without it (autogram)."""
import importlib.metadata

import torch
import torch.nn.functional as F
from torch import nn
from torchjd import aggregation
from torchjd.autogram import Engine
from torchjd.autojac import jac_to_grad, mtl_backward

import jobs
import pytorch_mixtures

METHODS = {
    "pcgrad": (aggregation.PCGrad, aggregation.PCGradWeighting, {}),
    "cagrad": (aggregation.CAGrad, aggregation.CAGradWeighting, {"c": 0.5}),
    "nash_mtl": (aggregation.NashMTL, None, {}),  # which has no Gramian form
    "upgrad": (aggregation.UPGrad, aggregation.UPGradWeighting, {}),
    "mgda": (aggregation.MGDA, aggregation.MGDAWeighting, {}),
    "aligned_mtl": (aggregation.AlignedMTL, aggregation.AlignedMTLWeighting, {}),
}


class Autojac:
    def __init__(self, problem, method):
        torch.set_num_threads(1)
        self.problem, self.method = problem, method
        self.x = torch.from_numpy(problem.x)
        self.targets = [torch.from_numpy(problem.y[:, t:t + 1].copy()) for t in range(problem.tasks)]
        h, kind = problem.hidden, problem.mixture
        self.trunk = pytorch_mixtures.Experts(kind) if kind else nn.Sequential(
            nn.Linear(problem.features, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())
        self.heads = nn.ModuleList(
            [pytorch_mixtures.tower() if kind else nn.Linear(h, 1) for _ in range(problem.tasks)])
        # As a careful user would, once: the library walks the graph for them otherwise.
        self.shared = list(self.trunk.parameters())
        self.own = [list(head.parameters()) for head in self.heads]

    def parameters(self):
        tensors = [*self.shared, *(parameter for own in self.own for parameter in own)]
        return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).numpy()

    @torch.no_grad()
    def restart(self, flat):
        values = torch.from_numpy(flat.copy())
        tensors = [*self.shared, *(parameter for own in self.own for parameter in own)]
        for tensor, value in zip(tensors, values.split([tensor.numel() for tensor in tensors])):
            tensor.copy_(value.reshape(tensor.shape))
        self.optimizer = torch.optim.Adam(tensors, lr=self.problem.rate, fused=True)
        self.start()

    def start(self):
        make, _, options = METHODS[self.method]
        self.aggregator = make(**options, **({"n_tasks": self.problem.tasks} if self.method == "nash_mtl" else {}))

    def losses(self, features):
        if isinstance(features, torch.Tensor):
            features = self.problem.tasks * [features]
        return [F.mse_loss(head(own), target) for head, own, target in zip(self.heads, features, self.targets)]

    def run(self, steps):
        for _ in range(steps):
            features = self.trunk(self.x)
            mtl_backward(self.losses(features), features=features, tasks_params=self.own, shared_params=self.shared)
            jac_to_grad(self.shared, self.aggregator)
            self.optimizer.step()
            self.optimizer.zero_grad()


class Autogram(Autojac):
    def start(self):
        _, make, options = METHODS[self.method]
        self.weighting = make(**options)
        self.engine = getattr(self, "engine", None) or Engine(self.trunk, batch_dim=None)

    def run(self, steps):
        for _ in range(steps):
            losses = torch.stack(self.losses(self.trunk(self.x)))
            losses.backward(self.weighting(self.engine.compute_gramian(losses)))
            self.optimizer.step()
            self.optimizer.zero_grad()


def contenders():
    """By name: "autojac cagrad"."""
    found = {}
    for method, (_, weighting, _) in METHODS.items():
        found[f"autojac {method}"] = lambda problem, method=method: Autojac(problem, method)
        if weighting:
            found[f"autogram {method}"] = lambda problem, method=method: Autogram(problem, method)
    return found


if __name__ == "__main__":
    jobs.main(contenders(), f"TorchJD {importlib.metadata.version('torchjd')}")
