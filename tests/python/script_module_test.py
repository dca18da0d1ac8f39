# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Modules that torch.jit.save writes are run, trained and saved by a program of the library, and
held against what Python makes of the same.

    script_module_test.py PROGRAM

See script_module.cpp for PROGRAM's commands.
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings
from typing import Dict, Optional

from site_torch import torch  # or exits

warnings.filterwarnings("ignore")
program = sys.argv[1]
nn = torch.nn
Tensor = torch.Tensor


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 5, num_layers=2, batch_first=True)
        self.last = nn.Linear(5, 2)

    def forward(self, x):
        return self.last(self.gru(x)[0][:, -1])


class Tied(nn.Module):
    """A weight of two names, a frozen one, an attribute and a buffer that is not saved in Python."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.last = nn.Linear(4, 4)
        self.last.weight = self.first.weight
        self.first.bias.requires_grad_(False)
        self.register_buffer("scale", torch.rand(4), persistent=False)

    def forward(self, x):
        y = torch.tanh(self.first(x)) * self.scale
        for _ in range(2):
            y = y + self.last(y)
        return y


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(4, 3)

    def forward(self, ids, x, extra: Optional[Tensor] = None, times: int = 2):
        y = self.lift(x) * times
        if extra is not None:
            y = y + extra.sum()
        both: Dict[str, Tensor] = {"sum": y + ids, "mean": y.mean(1)}
        return both, [y, y * 2]


class KeywordOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(4, 3)

    def forward(self, ids, *, x):
        return self.lift(x) * ids


def mlp():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 2))


def conv(p=0.2):
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(4, 3, 2, stride=2), nn.Flatten(), nn.Dropout(p), nn.Linear(12, 2))


def scripted(net, x):
    return torch.jit.script(net)


def traced(net, x):
    return torch.jit.trace(net, x, check_trace=False)


NETS = {
    "mlp": (mlp, lambda n: torch.rand(n, 4), scripted),
    "conv": (conv, lambda n: torch.rand(n, 2, 8, 8), scripted),
    "gru": (Recurrent, lambda n: torch.rand(n, 6, 3), scripted),
    "tied": (Tied, lambda n: torch.rand(n, 4), scripted),
    "traced mlp": (mlp, lambda n: torch.rand(n, 4), traced),
    "traced conv": (conv, lambda n: torch.rand(n, 2, 8, 8), traced),
    "traced tied": (Tied, lambda n: torch.rand(n, 4), traced),
}
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def call(*words, fails=False):
    result = subprocess.run([program, *map(str, words)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert fails == (result.returncode != 0), result.stdout
    return result.stdout


class ScriptModule(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        torch.manual_seed(3)

    def close(self, found, expected, tolerance, what=""):
        self.assertEqual(found.dtype, expected.dtype, what)
        difference = (found.double() - expected.double()).abs().max().item()
        self.assertLessEqual(difference, tolerance * max(1, expected.double().abs().max().item()), what)

    def run_as_python(self, net, path, inputs, mode, is_training, kwargs=None):
        torch.save(inputs, self.folder / "inputs.pt")
        call("run", path, self.folder / "inputs.pt", mode, self.folder / "out.pt")
        result = torch.load(self.folder / "out.pt", weights_only=True)
        net.train(is_training)
        net.zero_grad()
        torch.manual_seed(0)
        outputs = torch.utils._pytree.tree_leaves(net(**kwargs) if kwargs else net(*inputs.values()))
        sum(output.square().sum() for output in outputs).backward()
        tolerance = TOLERANCE[next(net.parameters()).dtype]
        self.assertEqual(len(result["outputs"]), len(outputs))
        for found, expected in zip(result["outputs"], outputs):
            self.close(found, expected, tolerance)
        for name, parameter in net.named_parameters(remove_duplicate=False):
            self.assertEqual(name in result["gradients"], parameter.grad is not None, name)
            if parameter.grad is not None:
                self.close(result["gradients"][name], parameter.grad, tolerance, name)
        self.assertEqual(list(result["buffers"]), [name for name, _ in net.named_buffers()])
        for name, value in net.named_buffers():
            self.close(result["buffers"][name], value, tolerance, name)

    def test_runs_as_in_python(self):
        for name, (make, rows, write) in NETS.items():
            for dtype in TOLERANCE:
                for is_training in (True, False):
                    with self.subTest(net=name, dtype=dtype, is_training=is_training):
                        net = make().to(dtype)
                        x = rows(7).to(dtype)
                        # A script turns; what is traced stays in the mode in which it was.
                        net.train(is_training if write is traced else not is_training)
                        path = self.folder / "net.pt"
                        write(net, x[:5]).save(path)
                        net.load_state_dict(torch.jit.load(path).state_dict(), strict=False)  # tracing is a call
                        asked = is_training if write is scripted else not is_training
                        self.run_as_python(net, path, {"x": x}, "train" if asked else "eval", is_training)

    def test_trains_and_goes_back(self):
        for name, (make, rows, write) in NETS.items():
            for dtype, tolerance in TOLERANCE.items():
                with self.subTest(net=name, dtype=dtype):
                    net = (conv(0.0) if make is conv else make()).to(dtype)
                    x = rows(16).to(dtype)
                    y = torch.rand_like(net(x))
                    path = self.folder / "net.pt"
                    write(net, x[:5]).save(path)
                    net.load_state_dict(torch.jit.load(path).state_dict(), strict=False)
                    torch.save({"x": x, "y": y}, self.folder / "data.pt")
                    call("train", path, self.folder / "data.pt", 50, 0.01, self.folder / "trained.pt")
                    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
                    for _ in range(50):
                        optimizer.zero_grad()
                        nn.functional.mse_loss(net(x), y).backward()
                        optimizer.step()
                    trained = torch.jit.load(self.folder / "trained.pt")
                    found = trained.state_dict()
                    for key, value in net.state_dict().items():
                        self.close(found[key], value, tolerance, key)
                    asks = {key: value.requires_grad for key, value in trained.named_parameters()}
                    self.assertEqual(asks, {key: value.requires_grad for key, value in net.named_parameters()})
                    self.close(trained(x), net(x), tolerance)

    def test_inputs_by_name(self):
        net = Named()
        path = self.folder / "net.pt"
        torch.jit.script(net).save(path)
        inputs = {"x": torch.rand(6, 4), "ids": torch.randint(3, (6, 3))}
        self.run_as_python(net, path, inputs, "train", True, kwargs=inputs)
        inputs["extra"] = torch.rand(6, 2)
        self.run_as_python(net, path, inputs, "train", True, kwargs=inputs)
        call_by_name = KeywordOnly()
        torch.jit.script(call_by_name).save(self.folder / "keyword.pt")
        self.run_as_python(call_by_name, self.folder / "keyword.pt", inputs, "train", True,
                           kwargs={name: inputs[name] for name in ("x", "ids")})
        del inputs["x"]
        torch.save(inputs, self.folder / "inputs.pt")
        said = call("run", path, self.folder / "inputs.pt", "train", self.folder / "out.pt", fails=True)
        self.assertIn("'x' is missing; forward takes 'ids', 'x', 'extra', and there are 'ids', 'extra'", said)

    def test_refusals_name_what_is_wrong(self):
        def refused(path, x=torch.rand(3, 4)):
            torch.save({"x": x}, self.folder / "inputs.pt")
            said = call("run", path, self.folder / "inputs.pt", "train", self.folder / "out.pt", fails=True)
            self.assertTrue(said.startswith("ScriptModule: "), said)
            return said

        path = self.folder / "net.pt"
        self.assertIn(f"{path}: there is no such file", refused(path))
        torch.save(mlp().state_dict(), path)
        self.assertIn("polytask::io::read_python reads it", refused(path))
        torch.save(mlp().state_dict(), path, _use_new_zipfile_serialization=False)
        self.assertIn("it is a pickle", refused(path))
        torch.export.save(torch.export.export(mlp(), (torch.rand(5, 4),)), self.folder / "net.pt2")
        self.assertIn("polytask::io::ExportedProgram reads it", refused(self.folder / "net.pt2"))

        class Other(nn.Module):
            @torch.jit.export
            def run(self, x):
                return x

        torch.jit.script(Other()).save(path)
        self.assertIn("has no forward", refused(path))

        class Pair(nn.Module):
            def forward(self, x):
                return x[0] + x[1]

        torch.jit.trace(Pair(), ((torch.rand(2), torch.rand(2)),)).save(path)
        self.assertIn("the argument 'x' of its forward is of the type Tuple[Tensor, Tensor]", refused(path))
        torch.jit.script(mlp()).save(path)
        said = refused(path, torch.rand(3, 5))
        self.assertIn("The following operation failed in the TorchScript interpreter", said)
        self.assertIn("mat1 and mat2 shapes cannot be multiplied (3x5 and 4x8)", said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], warnings="ignore")
