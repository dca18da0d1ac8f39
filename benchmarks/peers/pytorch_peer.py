# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch: modules as people write them (eager), heads stacked by hand into one layer (stacked), and the whole step on
stacked parameters compiled (compile)."""
import math

import torch
import torch.nn.functional as F
from torch import nn

import jobs
import pytorch_mixtures


class Eager:
    stacked = False

    def __init__(self, problem):
        torch.set_num_threads(1)
        self.problem = problem
        self.x, self.y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
        self.columns = [self.y[:, t:t + 1].contiguous() for t in range(problem.tasks)]
        self.draws = problem.draws.tolist()
        h, width = problem.hidden, problem.hidden or problem.features
        self.trunk = nn.Sequential(
            nn.Linear(problem.features, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU()) if h else nn.Identity()
        self.heads = nn.ModuleList(
            [nn.Linear(width, problem.tasks)] if self.stacked else [nn.Linear(width, 1) for _ in range(problem.tasks)])
        if problem.hidden:
            parameters = [*self.trunk.parameters(), *self.heads.parameters()]
            self.optimizers = [torch.optim.Adam(parameters, lr=problem.rate, fused=True)]
        elif problem.alternating:
            self.optimizers = [torch.optim.SGD(head.parameters(), lr=problem.rate, fused=True) for head in self.heads]
        else:
            self.optimizers = [torch.optim.SGD(self.heads.parameters(), lr=problem.rate, fused=True)]

    def named(self):
        layers = {"1": self.trunk[0], "2": self.trunk[2]} if self.problem.hidden else {}
        named = {"w" + name: layer.weight for name, layer in layers.items()}
        named |= {"b" + name: layer.bias for name, layer in layers.items()}
        return named, [head.weight for head in self.heads], [head.bias for head in self.heads]

    def parameters(self):
        named, weights, biases = self.named()
        named = named | {"w": torch.cat(weights), "b": torch.cat(biases)}
        return self.problem.join({name: value.detach().numpy() for name, value in named.items()})

    @torch.no_grad()
    def restart(self, flat):
        self.drawn = 0
        for optimizer in self.optimizers:
            optimizer.state.clear()
        values = {name: torch.from_numpy(value.copy()) for name, value in self.problem.split(flat).items()}
        named, weights, biases = self.named()
        for name, parameter in named.items():
            parameter.copy_(values[name])
        for parameters, value in ((weights, values["w"]), (biases, values["b"])):
            for parameter, rows in zip(parameters, value.split(len(parameters[0]))):
                parameter.copy_(rows)

    def run(self, steps):
        run_one = self.alternating_step if self.problem.alternating else self.joint_step
        for _ in range(steps):
            run_one()

    def joint_step(self):
        self.optimizers[0].zero_grad()
        features = self.trunk(self.x)
        loss = F.mse_loss(self.heads[0](features), self.columns[0])
        for head, target in zip(self.heads[1:], self.columns[1:]):
            loss = loss + F.mse_loss(head(features), target)
        loss.backward()
        self.optimizers[0].step()

    def alternating_step(self):
        t = self.draws[self.drawn % len(self.draws)]
        self.drawn += 1
        self.optimizers[t].zero_grad()
        F.mse_loss(self.heads[t](self.x), self.columns[t]).backward()
        self.optimizers[t].step()


class Stacked(Eager):
    stacked = True

    def joint_step(self):
        self.optimizers[0].zero_grad()
        output = self.heads[0](self.trunk(self.x))
        (F.mse_loss(output, self.y, reduction="sum") / len(self.y)).backward()
        self.optimizers[0].step()


def joint_loss(p, x, y):
    for layer in ("1", "2"):
        if "w" + layer in p:
            x = F.relu(F.linear(x, p["w" + layer], p["b" + layer]))
    return F.mse_loss(F.linear(x, p["w"], p["b"]), y, reduction="sum") / len(y)


class Compiled:
    def __init__(self, problem):
        torch.set_num_threads(1)
        self.problem, self.x = problem, torch.from_numpy(problem.x)
        self.y = torch.from_numpy(problem.y.T.copy() if problem.alternating else problem.y)
        self.tasks = [torch.tensor([t]) for t in range(problem.tasks)]
        self.draws = problem.draws.tolist()
        self.p = {name: torch.from_numpy(value.copy()) for name, value in problem.split(problem.start).items()}
        self.loss = pytorch_mixtures.joint_loss if problem.mixture else joint_loss
        self.state = {}
        if problem.adam:
            self.state = {"step": torch.zeros(())}
            for moment in ("mean", "square"):
                self.state |= {moment + name: torch.zeros_like(value) for name, value in self.p.items()}
        step = self.adam_step if problem.adam else self.alternating_step if problem.alternating else self.sgd_step
        self.step = torch.compile(step, dynamic=False, fullgraph=True)

    def parameters(self):
        return self.problem.join({name: value.numpy() for name, value in self.p.items()})

    def restart(self, flat):
        self.drawn = 0
        for value in self.state.values():
            value.zero_()
        for name, value in self.problem.split(flat).items():
            self.p[name].copy_(torch.from_numpy(value.copy()))

    @torch.no_grad()
    def run(self, steps):
        for _ in range(steps):
            task = self.tasks[self.draws[self.drawn % len(self.draws)]]
            self.drawn += 1
            self.step(self.p, self.state, self.x, self.y, task)

    def sgd_step(self, p, state, x, y, task):
        g = torch.func.grad(joint_loss)(p, x, y)
        for name in p:
            p[name].sub_(g[name], alpha=self.problem.rate)

    def alternating_step(self, p, state, x, y, task):
        rows = {name: value.index_select(0, task) for name, value in p.items()}
        g = torch.func.grad(joint_loss)(rows, x, y.index_select(0, task).T)
        for name in p:
            p[name].index_add_(0, task, g[name], alpha=-self.problem.rate)

    def adam_step(self, p, state, x, y, task):
        g = torch.func.grad(self.loss)(p, x, y)
        state["step"].add_(1)
        first = -torch.expm1(state["step"] * math.log(0.9))
        second = (-torch.expm1(state["step"] * math.log(0.999))).sqrt()
        for name in p:
            mean, square = state["mean" + name], state["square" + name]
            mean.mul_(0.9).add_(g[name], alpha=0.1)
            square.mul_(0.999).addcmul_(g[name], g[name], value=0.001)
            p[name].sub_(self.problem.rate * (mean / first) / (square.sqrt() / second + 1e-8))


def eager(problem):
    return (pytorch_mixtures.Eager if problem.mixture else Eager)(problem)


def stacked(problem):
    return (pytorch_mixtures.Stacked if problem.mixture else Stacked)(problem)


if __name__ == "__main__":
    jobs.main({"eager": eager, "stacked": stacked, "compile": Compiled}, f"PyTorch {torch.__version__}")
