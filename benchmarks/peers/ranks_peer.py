# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The jobs of benchmarks/ranks.cpp in PyTorch, by the same arguments and with the same line of JSON: `sum` by
DistributedDataParallel and a module per task, `sum_stacked` with the tasks' layers stacked, `pcgrad` by hand."""
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import mixture_networks
import pytorch_mixtures

SIZES = {"linear": (256, 4096, 512), "network": (32, 1024, 64), "mmoe": (4, 1024, 64)}  # tasks, rows, features


class Network(nn.Module):
    """Modules as people write them: the output of each task, [B, 1]."""

    def __init__(self, job):
        super().__init__()
        tasks, _, features = SIZES[job]
        self.is_mixture = job == "mmoe"
        if self.is_mixture:
            self.trunk = pytorch_mixtures.Experts("MMoE")
            self.heads = nn.ModuleList([pytorch_mixtures.tower() for _ in range(tasks)])
        elif job == "network":
            self.trunk = nn.Sequential(nn.Linear(features, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
            self.heads = nn.ModuleList([nn.Linear(256, 1) for _ in range(tasks)])
        else:
            self.trunk = nn.Identity()
            self.heads = nn.ModuleList([nn.Linear(features, 1) for _ in range(tasks)])

    def forward(self, x):
        features = self.trunk(x)
        of_tasks = features if self.is_mixture else len(self.heads) * [features]
        return [head(own) for head, own in zip(self.heads, of_tasks)]


def stacked(layers):
    """The weights and biases of layers of one shape."""
    return [torch.stack([getattr(layer, name).detach() for layer in layers]) for name in ("weight", "bias")]


class StackedHeads(nn.Module):
    """One layer for all heads of a network: [B, T]."""

    def __init__(self, network):
        super().__init__()
        weight, bias = (value.squeeze(1) for value in stacked(network.heads))
        self.trunk, self.head = network.trunk, nn.Linear(*weight.shape[::-1])
        self.head.load_state_dict({"weight": weight, "bias": bias})

    def forward(self, x):
        return self.head(self.trunk(x))


class StackedMixture(nn.Module):
    def __init__(self, network):
        super().__init__()
        level, towers = network.trunk.levels[0], network.heads
        layers = {"experts": [expert[0] for expert in level.experts], "gates": level.gates,
                  "towers": [tower[0] for tower in towers], "heads": [tower[2] for tower in towers]}
        self.p = nn.ParameterDict({f"{letter} {name}": value for name, alike in layers.items()
                                   for letter, value in zip("wb", stacked(alike))})

    def forward(self, x):
        return mixture_networks.predict(pytorch_mixtures.OPERATIONS, self.p, x)


def optimizer(job, network):
    return (torch.optim.SGD if job == "linear" else torch.optim.Adam)(network.parameters(), lr=1e-3, fused=True)


def sent(size, reduced):
    return 2 * (size - 1) / size * reduced


class Sum:
    def __init__(self, job, method, size):
        self.size, self.is_stacked = size, method == "sum_stacked"
        self.network = Network(job)
        if self.is_stacked:
            self.network = (StackedMixture if job == "mmoe" else StackedHeads)(self.network)
        self.model = DistributedDataParallel(self.network, gradient_as_bucket_view=True) if size > 1 else self.network
        self.optimizer = optimizer(job, self.network)

    def step(self, x, y, columns):
        self.optimizer.zero_grad()
        outputs = self.model(x)
        if self.is_stacked:
            loss = ((outputs - y) ** 2).mean(0).sum()
        else:
            loss = sum(F.mse_loss(output, column) for output, column in zip(outputs, columns))
        loss.backward()
        self.optimizer.step()

    def restart(self):
        pass

    def communication(self, steps, seconds):
        """The share of waiting, by DDP's own samples and without the optimizer's time; bytes and calls of a step."""
        if self.size == 1:
            return 0, 0, 0
        known = self.model._get_ddp_logging_data()
        waited = known["avg_backward_comm_time"] - known["avg_backward_compute_comm_overlap_time"]
        all_time = known["avg_forward_compute_time"] + known["avg_backward_compute_time"] + waited
        return waited / all_time, sent(self.size, known["total_parameter_size_bytes"]), known["num_buckets_reduced"]


class PCGrad:
    """The gradients of what tasks share by a backward pass for each task (T. Yu et al., NeurIPS 2020)."""

    def __init__(self, job, method, size):
        self.size = size
        self.network = Network(job)
        self.optimizer = optimizer(job, self.network)
        self.shared, self.own = list(self.network.trunk.parameters()), list(self.network.heads.parameters())
        self.generator = torch.Generator().manual_seed(0)

    def restart(self):
        self.seconds = self.bytes = self.calls = 0

    def communication(self, steps, seconds):
        return self.seconds / seconds, self.bytes / steps, self.calls / steps

    def all_reduce(self, tensor):
        if self.size > 1:
            began = time.perf_counter()
            dist.all_reduce(tensor)
            self.seconds += time.perf_counter() - began
            self.bytes += sent(self.size, tensor.nbytes)
            self.calls += 1

    def weights(self, gramian):
        """Of the gradients, whose projections take their turns together."""
        tasks, squares = torch.arange(len(gramian)), gramian.diagonal()
        orders = torch.rand(gramian.shape, generator=self.generator).argsort(1)
        products, weights = gramian.clone(), torch.eye(len(gramian))
        for others in orders.T:
            usable = (others != tasks) & (squares[others] > 0)
            steps = torch.where(usable, products[tasks, others].clamp_max(0) / squares[others], 0)
            weights[tasks, others] -= steps
            products -= steps[:, None] * gramian[others]
        return weights.sum(0)

    def step(self, x, y, columns):
        rows, own = [], []
        for head, output, column in zip(self.network.heads, self.network(x), columns):
            gradients = torch.autograd.grad(F.mse_loss(output, column), [*self.shared, *head.parameters()],
                                            retain_graph=True, materialize_grads=True)
            rows.append(torch.cat([gradient.flatten() for gradient in gradients[:len(self.shared)]]))
            own += [gradient.flatten() for gradient in gradients[len(self.shared):]]
        jacobian, own = torch.stack(rows), torch.cat(own)
        self.all_reduce(jacobian)
        self.all_reduce(own)
        shared = self.weights(jacobian @ jacobian.T) @ jacobian
        for parameters, flat in ((self.shared, shared), (self.own, own)):
            parts = flat.div_(self.size).split([parameter.numel() for parameter in parameters])
            for parameter, part in zip(parameters, parts):
                parameter.grad = part.view_as(parameter)
        self.optimizer.step()


def make(job, method, rank, size, parts):
    """The training and its batch: the rows of one of so many parts."""
    torch.manual_seed(0)
    tasks, rows, features = SIZES[job]
    x = torch.randn(rows, features)
    y = torch.sin(x @ torch.randn(features, tasks) / 8)
    training = (PCGrad if method == "pcgrad" else Sum)(job, method, size)
    own = slice(rows * rank // parts, rows * (rank + 1) // parts)
    return training, (x[own].clone(), y[own].clone(), [column.contiguous() for column in y[own].split(1, 1)])


def measured(training, batch, rounds, steps):
    """The fastest round."""
    training.restart()
    for _ in range(3):
        training.step(*batch)
    least, communication = float("inf"), ()
    for _ in range(rounds):
        if training.size > 1:
            dist.barrier()
        training.restart()
        began = time.perf_counter()
        for _ in range(steps):
            training.step(*batch)
        seconds = time.perf_counter() - began
        if seconds < least:
            least, communication = seconds, training.communication(steps, seconds)
    waiting, sent_bytes, calls = communication
    return {"us": round(least / steps * 1e6, 1), "waiting": round(waiting, 3), "bytes": round(sent_bytes),
            "calls": calls, "numbers": sum(parameter.numel() for parameter in training.network.parameters())}


def main():
    job, method = sys.argv[1:3]
    parts, rounds, steps = map(int, sys.argv[3:])
    if job not in SIZES or method not in ("sum", "sum_stacked", "pcgrad") or (job, method) == ("linear", "pcgrad"):
        sys.exit(f"there is no job '{job}' with '{method}'")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if size > 1:
        dist.init_process_group("gloo")
    line = measured(*make(job, method, rank, size, size if size > 1 else parts), rounds, steps)
    if rank == 0:
        print(json.dumps(line))
    if size > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
