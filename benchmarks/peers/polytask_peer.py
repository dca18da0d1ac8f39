# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""polytask.py in TorchJD's loop and environment: the same modules, forward, losses and optimizer."""
import torch

import jobs
import polytask
from torchjd_peer import METHODS, Autojac


class Polytask(Autojac):
    def start(self):
        self.balancing = polytask.Balancing(self.method, **METHODS[self.method][2])

    def run(self, steps):
        for _ in range(steps):
            features = self.trunk(self.x)
            polytask.mtl_backward(self.losses(features), self.shared, self.balancing, features, self.own)
            self.optimizer.step()
            self.optimizer.zero_grad()


if __name__ == "__main__":
    contenders = {f"mtl_backward {method}": lambda problem, method=method: Polytask(problem, method)
                  for method in METHODS}
    jobs.main(contenders, f"polytask.py on PyTorch {torch.__version__}")
