# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""JAX on the CPU, state donated: one jitted call for each step (jit), or for all steps (scan)."""
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np

import jobs
import mixture_networks

OPERATIONS = types.SimpleNamespace(
    relu=jax.nn.relu, softmax=jax.nn.softmax, einsum=jnp.einsum,
    linear=lambda state, w, b: state @ w.swapaxes(1, 2) + b[:, None])


def predict(p, x):
    for layer in ("1", "2"):
        if "w" + layer in p:
            x = jax.nn.relu(x @ p["w" + layer].T + p["b" + layer])
    return x @ p["w"].T + p["b"]


def joint_loss(predict, p, x, y):
    return jnp.mean((predict(p, x) - y) ** 2, axis=0).sum()


def sgd(rate):
    def update(p, state, g):
        return {name: p[name] - rate * g[name] for name in p}, state
    return update


def adam(rate):
    def update(p, state, g):
        step = state["step"] + 1
        mean = {n: 0.9 * state["mean"][n] + 0.1 * g[n] for n in p}
        square = {n: 0.999 * state["square"][n] + 0.001 * g[n] ** 2 for n in p}
        # 1 - beta**step without the cancellation that float32 would suffer
        first = -jnp.expm1(step * np.float32(np.log(0.9)))
        second = jnp.sqrt(-jnp.expm1(step * np.float32(np.log(0.999))))
        p = {n: p[n] - rate * (mean[n] / first) / (jnp.sqrt(square[n]) / second + 1e-8) for n in p}
        return p, {"step": step, "mean": mean, "square": square}
    return update


def joint_step(problem):
    update = (adam if problem.adam else sgd)(problem.rate)
    loss = functools.partial(
        joint_loss, functools.partial(mixture_networks.predict, OPERATIONS) if problem.mixture else predict)

    def step(p, state, x, y, task):
        return update(p, state, jax.grad(loss)(p, x, y))
    return step


def alternating_step(problem):
    def step(p, state, x, y, task):
        def loss(w, b):
            return jnp.mean((x @ w + b - y[task]) ** 2)
        g_w, g_b = jax.grad(loss, argnums=(0, 1))(p["w"][task], p["b"][task])
        return {"w": p["w"].at[task].add(-problem.rate * g_w), "b": p["b"].at[task].add(-problem.rate * g_b)}, state
    return step


class Jit:
    def __init__(self, problem):
        self.problem, self.x = problem, jnp.asarray(problem.x)
        self.y = jnp.asarray(np.ascontiguousarray(problem.y.T) if problem.alternating else problem.y)
        self.one = (alternating_step if problem.alternating else joint_step)(problem)
        self.step = jax.jit(self.one, donate_argnums=(0, 1))
        self.tasks = [jnp.asarray(t, jnp.int32) for t in range(problem.tasks)]
        self.draws = problem.draws.tolist()

    def parameters(self):
        return self.problem.join(self.p)

    def restart(self, flat):
        def zeros():
            return {name: jnp.zeros_like(value) for name, value in self.p.items()}
        self.drawn = 0
        self.p = {name: jnp.array(value) for name, value in self.problem.split(flat).items()}
        self.state = {"step": jnp.zeros(()), "mean": zeros(), "square": zeros()} if self.problem.adam else {}
        jax.block_until_ready((self.p, self.state))

    def run(self, steps):
        p, state = self.p, self.state
        for _ in range(steps):
            task = self.tasks[self.draws[self.drawn % len(self.draws)]]
            self.drawn += 1
            p, state = self.step(p, state, self.x, self.y, task)
        self.p, self.state = jax.block_until_ready((p, state))


class Scan(Jit):
    def __init__(self, problem):
        super().__init__(problem)

        def all_steps(p, state, x, y, tasks):
            def body(carry, task):
                return self.one(*carry, x, y, task), None
            return jax.lax.scan(body, (p, state), tasks)[0]
        self.all_steps = jax.jit(all_steps, donate_argnums=(0, 1))

    def run(self, steps):
        tasks = np.take(self.problem.draws, range(self.drawn, self.drawn + steps), mode="wrap").astype(np.int32)
        self.drawn += steps
        self.p, self.state = jax.block_until_ready(self.all_steps(self.p, self.state, self.x, self.y, tasks))


if __name__ == "__main__":
    jobs.main({"jit": Jit, "scan": Scan}, f"JAX {jax.__version__}")
