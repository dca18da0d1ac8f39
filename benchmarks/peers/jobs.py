# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The jobs, their data, and how a peer is run and timed.

A contender has `run(steps)`, `parameters()` and `restart(flat)`, which begins training anew from a float32 vector: the
shared parameters, then each task's weight and bias. `run` returns when all steps are done. It is timed as the C++
programs are: always from the start of training, after a step that is not timed; no loss is read back.
"""
import argparse
import json
import pathlib
import time

import mixture_networks

# Job: data, strategy. Data: (T, B, d) linear, or (T, B, d, h) for a network d-h-h with T heads.
LINEAR = {f"linear ({t},{b},{d})": (t, b, d) for t, b, d in
          [(2, 100, 2), (8, 256, 64), (64, 1024, 256), (256, 4096, 512)]}
NETWORKS = {f"network {d}-{h}-{h} T={t}": (t, b, d, h) for t, b, d, h in
            [(3, 64, 21, 64), (8, 64, 21, 64), (21, 64, 21, 64), (8, 256, 64, 256), (32, 256, 64, 256)]}
# Steps of such networks whose tasks are weighed by their gradients.
BALANCED = {f"balanced {d}-{h}-{h} B={b} T={t}": (t, b, d, h) for t, b, d, h in
            [(8, 256, 64, 256), (32, 256, 64, 256), (21, 64, 21, 64), (8, 32, 256, 512), (32, 32, 256, 512)]}
# Mixtures of experts, with and without a balancing.
MIXTURES = {kind: (mixture_networks.TASKS, 1024, mixture_networks.INPUTS) for kind in mixture_networks.KINDS}
JOBS = {name.replace("linear", strategy): (name, strategy)
        for name in LINEAR for strategy in ("joint", "alternating")}
JOBS |= {name: (name, "joint") for name in NETWORKS | BALANCED | MIXTURES}
DATA = LINEAR | NETWORKS | BALANCED | MIXTURES


def steps_of(job):
    """Steps from the start until the parameters are put back."""
    linear = {2: 300, 8: 300, 64: 50, 256: 4}
    data, strategy = JOBS[job]
    if data in MIXTURES:
        return 20
    if data in BALANCED:
        return 10 if BALANCED[data][3] > 64 else 100
    if data in NETWORKS:
        return 100
    return max(100, linear[LINEAR[data][0]]) if strategy == "alternating" else linear[LINEAR[data][0]]


def write(folder):
    """Draws the data of all jobs, each from a fixed seed, into one folder of .npy files for each."""
    import numpy as np

    def layer(random, out, inputs):  # weight [out, in] and bias [out], as torch.nn.Linear draws them
        return random.uniform(-1, 1, out * (inputs + 1)) / np.sqrt(inputs)

    for name, (tasks, rows, features, *hidden) in DATA.items():
        # With these seeds no ReLU's input comes so near to 0 that rounding decides, which Adam would make visible.
        random = np.random.RandomState(200 + tasks)
        x = random.rand(rows, features) if features == 2 else random.randn(rows, features)
        if hidden or name in MIXTURES:
            y = np.sin(x @ random.randn(features, tasks) / np.sqrt(features))
        if name in MIXTURES:
            layers = mixture_networks.layers(name)
        elif hidden:
            layers = [(hidden[0], features), (hidden[0], hidden[0])] + tasks * [(1, hidden[0])]
        else:
            y = x @ random.randn(features, tasks) / np.sqrt(features) + random.randn(tasks)
            layers = tasks * [(1, features)]
        y += 0.01 * random.randn(rows, tasks)
        arrays = {"input": x.astype("<f4"), "targets": y.astype("<f4"),
                  "start": np.concatenate([layer(random, *sizes) for sizes in layers]).astype("<f4"),
                  "draws": random.randint(0, tasks, 4096).astype("<i8")}
        (folder / name).mkdir(parents=True, exist_ok=True)
        for array, values in arrays.items():
            np.save(folder / name / array, np.ascontiguousarray(values))


class Problem:
    """What a contender starts from."""

    def __init__(self, folder, job):
        import numpy as np
        data, strategy = JOBS[job]
        self.x, self.y, self.start, self.draws = (
            np.load(folder / data / f"{name}.npy") for name in ("input", "targets", "start", "draws"))
        self.tasks, self.rows, self.features, *hidden = DATA[data]
        self.hidden = hidden[0] if hidden else None
        self.mixture = data if data in MIXTURES else None
        self.adam = bool(self.hidden or self.mixture)
        self.alternating = strategy == "alternating"
        self.rate = 1e-3 if self.adam else 0.5 if self.features == 2 else 0.05

    def split(self, flat):
        """The parameters by name: w [T, d] and b [T]; for networks also w1, b1, w2, b2; or a mixture's."""
        if self.mixture:
            return mixture_networks.split(self.mixture, flat)
        named, width = {}, self.features
        if self.hidden:
            h = self.hidden
            for layer, inputs in (("1", self.features), ("2", h)):
                named["w" + layer], flat = flat[:h * inputs].reshape(h, inputs), flat[h * inputs:]
                named["b" + layer], flat = flat[:h], flat[h:]
            width = h
        heads = flat.reshape(self.tasks, width + 1)
        return named | {"w": heads[:, :-1], "b": heads[:, -1]}

    def join(self, named):
        """The inverse of split."""
        if self.mixture:
            return mixture_networks.join(self.mixture, named)
        import numpy as np
        parts = [np.ravel(named[name]) for name in ("w1", "b1", "w2", "b2") if name in named]
        heads = np.concatenate([named["w"], np.reshape(named["b"], (-1, 1))], axis=1)
        return np.concatenate(parts + [heads.ravel()])


def main(contenders, version):
    """The program of a peer: one contender on one job; prints a JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", help="job/contender")
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--parameters", help="file for the parameters after --check-steps steps")
    parser.add_argument("--check-steps", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--repeats", type=int)
    arguments = parser.parse_args()
    job, _, name = arguments.peer.rpartition("/")
    problem = Problem(arguments.data, job)
    contender = contenders[name](problem)
    contender.restart(problem.start)
    contender.run(arguments.check_steps)
    contender.parameters().astype("<f4").tofile(arguments.parameters)
    contender.run(arguments.steps)  # warm-up: compiles for this number of steps
    times = []
    for _ in range(arguments.repeats):
        contender.restart(problem.start)
        contender.run(1)
        begin = time.perf_counter()
        contender.run(arguments.steps)
        times.append(1e6 * (time.perf_counter() - begin) / arguments.steps)
    times.sort()
    print(json.dumps({"job": job, "contender": name, "min": times[0], "median": times[len(times) // 2],
                      "version": version}))
