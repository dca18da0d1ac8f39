# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""NumPy: gradients derived by hand, buffers allocated once."""
import numpy as np

import jobs


class Numpy:
    def __init__(self, problem):
        self.problem, self.x, self.y = problem, problem.x, problem.y
        self.flat = problem.start.copy()
        self.p = problem.split(self.flat)  # views
        self.drawn = 0

    def parameters(self):
        return self.flat.copy()

    def restart(self, flat):
        self.flat[...] = flat
        self.drawn = 0


class Joint(Numpy):
    def __init__(self, problem):
        super().__init__(problem)
        self.w, self.b = self.p["w"].copy(), self.p["b"].copy()  # contiguous ones are faster
        self.r, self.g = np.empty_like(self.y), np.empty_like(self.w)

    def parameters(self):
        return self.problem.join({"w": self.w, "b": self.b})

    def restart(self, flat):
        p = self.problem.split(flat)
        self.w[...], self.b[...] = p["w"], p["b"]
        self.drawn = 0

    def run(self, steps):
        x, y, w, b, r, g = self.x, self.y, self.w, self.b, self.r, self.g
        rate = np.float32(2 * self.problem.rate / self.problem.rows)
        for _ in range(steps):
            np.dot(x, w.T, out=r)
            r += b
            r -= y
            np.dot(r.T, x, out=g)
            g *= rate
            w -= g
            b -= rate * r.sum(0)


class Alternating(Joint):
    def __init__(self, problem):
        super().__init__(problem)
        self.columns = np.ascontiguousarray(problem.y.T)
        self.row = np.empty(problem.rows, np.float32)
        self.draws = problem.draws.tolist()

    def run(self, steps):
        x, w, b, r = self.x, self.w, self.b, self.row
        rate = np.float32(2 * self.problem.rate / self.problem.rows)
        for _ in range(steps):
            t = self.draws[self.drawn % len(self.draws)]
            self.drawn += 1
            np.dot(x, w[t], out=r)
            r += b[t]
            r -= self.columns[t]
            w[t] -= rate * np.dot(r, x)
            b[t] -= rate * r.sum()


class Network(Numpy):
    def __init__(self, problem):
        super().__init__(problem)
        self.gradient = np.empty_like(self.flat)
        self.g = problem.split(self.gradient)
        self.mean, self.square = np.zeros_like(self.flat), np.zeros_like(self.flat)
        self.a, self.b = np.empty_like(self.flat), np.empty_like(self.flat)
        self.h1, self.h2, self.d1, self.d2 = np.empty((4, problem.rows, problem.hidden), np.float32)
        self.r = np.empty_like(self.y)
        self.step = 0

    def restart(self, flat):
        super().restart(flat)
        self.mean[...] = self.square[...] = self.step = 0

    def run(self, steps):
        x, y, p, g, h1, h2, d1, d2, r = self.x, self.y, self.p, self.g, self.h1, self.h2, self.d1, self.d2, self.r
        scale = np.float32(2 / self.problem.rows)
        for _ in range(steps):
            np.dot(x, p["w1"].T, out=h1)
            h1 += p["b1"]
            np.maximum(h1, 0, out=h1)
            np.dot(h1, p["w2"].T, out=h2)
            h2 += p["b2"]
            np.maximum(h2, 0, out=h2)
            np.dot(h2, p["w"].T, out=r)
            r += p["b"]
            r -= y
            r *= scale
            g["w"][...] = np.dot(r.T, h2)  # rows of the heads are not contiguous
            r.sum(0, out=g["b"])
            np.dot(r, p["w"], out=d2)
            d2 *= h2 > 0
            np.dot(d2.T, h1, out=g["w2"])
            d2.sum(0, out=g["b2"])
            np.dot(d2, p["w2"], out=d1)
            d1 *= h1 > 0
            np.dot(d1.T, x, out=g["w1"])
            d1.sum(0, out=g["b1"])
            self.adam()

    def adam(self):
        f, a, b, gradient, mean, square = np.float32, self.a, self.b, self.gradient, self.mean, self.square
        self.step += 1
        mean *= f(0.9)
        np.multiply(gradient, f(0.1), out=a)
        mean += a
        square *= f(0.999)
        np.multiply(gradient, gradient, out=a)
        a *= f(0.001)
        square += a
        np.sqrt(square, out=a)
        a *= f(1 / np.sqrt(1 - 0.999**self.step))
        a += f(1e-8)
        np.divide(mean, a, out=b)
        b *= f(self.problem.rate / (1 - 0.9**self.step))
        self.flat -= b


def by_hand(problem):
    return (Network if problem.hidden else Alternating if problem.alternating else Joint)(problem)


if __name__ == "__main__":
    jobs.main({"by hand": by_hand}, f"NumPy {np.__version__}")
