# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Programs that torch.export writes are run, trained and saved by a program of the library, and
held against what Python makes of the same.

    exported_program_test.py PROGRAM

See interop.cpp for the program's commands.
"""
import copy
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

from site_torch import torch  # or exits

warnings.filterwarnings("ignore")
program = sys.argv[1]
nn = torch.nn
BATCH = torch.export.Dim("batch", min=1)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 5, num_layers=2, batch_first=True)
        self.last = nn.Linear(5, 2)

    def forward(self, x):
        return self.last(self.gru(x)[0][:, -1])


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(9, 4, mode="mean")
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.bag(x))


class Pooled(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True), 2, enable_nested_tensor=False)
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        return self.last(self.encoder(x).mean(1))


class Parts(nn.Module):
    """Lists, sizes, a constant, a buffer that is not saved."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 6))
        self.frozen = nn.Parameter(torch.randn(6), requires_grad=False)
        self.register_buffer("scale", torch.rand(6), persistent=False)

    def forward(self, x):
        a, b, c = torch.split(x @ self.weight * self.scale + self.frozen, 2, dim=1)
        both = torch.stack([a, b * torch.tensor([1.0, 2.0]).to(b.dtype)]).mean(0)
        return torch.cat([both, c / x.shape[0]], 1)[:, None].expand(-1, 2, -1).reshape(x.shape[0], -1)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


class StochasticDepth(nn.Module):
    """As torchvision's and timm's: in training, the branch of some rows is left out."""

    def __init__(self):
        super().__init__()
        self.branch = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        branch = self.branch(x)
        if self.training:
            branch = branch * torch.empty(x.shape[0], 1, dtype=x.dtype).bernoulli_(0.7).div_(0.7)
        return self.last(x + branch)


NETS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), lambda n: torch.rand(n, 4)),
    "norm": (lambda: nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 2)),
             lambda n: torch.rand(n, 4)),
    "conv": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                                   nn.Conv2d(4, 3, 2, stride=2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(12, 2)),
             lambda n: torch.rand(n, 2, 8, 8)),
    "gru": (Recurrent, lambda n: torch.rand(n, 6, 3)),
    "bag": (Bag, lambda n: torch.randint(9, (n, 3))),
    "transformer": (Pooled, lambda n: torch.rand(n, 5, 8)),
    "parts": (Parts, lambda n: torch.rand(n, 6)),
    "tied": (Tied, lambda n: torch.rand(n, 4)),
}
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def call(*words, fails=False):
    result = subprocess.run([program, *map(str, words)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert fails == (result.returncode != 0), result.stdout
    return result.stdout


def flat(tree):
    return torch.utils._pytree.tree_leaves(tree)


def train(net, x, y, steps, rate):
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()


class ExportedProgram(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        torch.manual_seed(3)

    def export(self, net, args, shapes, kwargs=None, name="net.pt2", change=lambda exported: exported):
        path = self.folder / name
        torch.export.save(change(torch.export.export(net, args, kwargs, dynamic_shapes=shapes)), path)
        return path

    def close(self, found, expected, tolerance, what=""):
        self.assertEqual(found.dtype, expected.dtype, what)
        difference = (found.double() - expected.double()).abs().max().item() if expected.numel() else 0
        self.assertLessEqual(difference, tolerance * max(1, expected.double().abs().max().item()), what)

    def run_as_python(self, net, path, inputs, args, kwargs=None, mode="train", seed=0):
        torch.save(inputs, self.folder / "inputs.pt")
        call("run", path, self.folder / "inputs.pt", mode, self.folder / "out.pt")
        result = torch.load(self.folder / "out.pt", weights_only=True)
        net.train(mode == "train")
        net.zero_grad()
        torch.manual_seed(seed)
        outputs = flat(net(*args, **(kwargs or {})))
        sum(output.square().sum() for output in outputs if output.requires_grad).backward()
        dtype = next(net.parameters()).dtype
        self.assertEqual(len(result["outputs"]), len(outputs))
        for found, expected in zip(result["outputs"], outputs):
            self.close(found, expected, TOLERANCE[dtype])
        for name, parameter in net.named_parameters(remove_duplicate=False):
            self.assertEqual(name in result["gradients"], parameter.grad is not None, name)
            if parameter.grad is not None:
                self.close(result["gradients"][name], parameter.grad, 10 * TOLERANCE[dtype], name)
        saved = net.state_dict()
        self.assertEqual(list(result["buffers"]), [name for name, _ in net.named_buffers() if name in saved])
        for name, value in result["buffers"].items():
            self.close(value, saved[name], TOLERANCE[dtype], name)

    def test_runs_as_in_python(self):
        for name, (make, rows) in NETS.items():
            for dtype in TOLERANCE:
                net = make().to(dtype)
                x = rows(7)
                x = x.to(dtype) if x.is_floating_point() else x
                path = self.export(net, (x[:5],), ({0: BATCH},))
                for mode in ("train", "eval"):
                    with self.subTest(net=name, dtype=dtype, mode=mode):
                        self.run_as_python(copy.deepcopy(net), path, {"x": x}, (x,), mode=mode)

    def test_trains_and_goes_back(self):
        for name, (make, rows) in NETS.items():
            for dtype, tolerance in TOLERANCE.items():
                with self.subTest(net=name, dtype=dtype):
                    net = make().to(dtype)
                    for module in net.modules():
                        if isinstance(module, nn.Dropout):
                            module.p = 0
                        if isinstance(module, nn.MultiheadAttention):
                            module.dropout = 0.0
                    x = rows(16)
                    x = x.to(dtype) if x.is_floating_point() else x
                    y = torch.rand_like(net(x))
                    path = self.export(net, (x[:5],), ({0: BATCH},))
                    torch.save({"x": x, "y": y}, self.folder / "data.pt")
                    call("train", path, self.folder / "data.pt", 100, 0.01, self.folder / "out.pt",
                         self.folder / "trained.pt2")
                    net = torch.export.load(path).module()
                    train(net, x, y, 100, 0.01)
                    found = torch.load(self.folder / "out.pt", weights_only=True)
                    exported = torch.export.load(self.folder / "trained.pt2")
                    for key, value in net.state_dict().items():
                        self.close(found[key], value, tolerance, key)
                        self.close(exported.state_dict[key], value, tolerance, key)
                    self.close(exported.module()(x), net(x), 10 * tolerance)

    def test_weights_of_a_state_dict(self):
        for name in ("conv", "gru", "tied"):
            make, rows = NETS[name]
            path = self.export(make(), (rows(5),), ({0: BATCH},))
            for end in (".pt", ".safetensors"):
                with self.subTest(net=name, end=end):
                    trained = make()
                    torch.save({"model": trained.state_dict(), "epoch": 3}, self.folder / "in.pt")
                    call("weights", path, self.folder / "in.pt", self.folder / f"out{end}")
                    if end == ".safetensors":
                        call("copy", self.folder / f"out{end}", self.folder / "out.pt")
                    found = torch.load(self.folder / "out.pt", weights_only=True)
                    net = make()
                    # Of tied ones, safetensors has one.
                    missing, unexpected = net.load_state_dict(found, strict=end == ".pt")
                    self.assertEqual(unexpected, [])
                    self.assertEqual(missing, ["second.weight"] if name == "tied" and end != ".pt" else [])
                    for key, value in trained.state_dict().items():
                        self.assertTrue(torch.equal(net.state_dict()[key], value), key)

    def test_inputs_by_name(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.lift = nn.Linear(4, 3)

            def forward(self, ids, x, *, extra, times=2):
                n = x["b"][0]
                return {"o": self.lift(x["a"]) * times + extra.sum() + ids,
                        "p": (n[:, : n.shape[1] // 2].mean(1) * ids.shape[0], n)}

        net = Net()
        args = (torch.randint(3, (6, 3)), {"a": torch.rand(6, 4), "b": (torch.rand(6, 8),)})
        kwargs = {"extra": torch.rand(6, 2)}
        shapes = {"ids": {0: BATCH}, "x": {"a": {0: BATCH}, "b": ({0: BATCH, 1: 2 * torch.export.Dim("half")},)},
                  "extra": {0: BATCH}}
        path = self.export(net, args, shapes, kwargs)
        inputs = {"ids": args[0], "x.a": args[1]["a"], "x.b.0": args[1]["b"][0], "extra": kwargs["extra"]}
        self.run_as_python(net, path, inputs, args, kwargs)
        del inputs["x.b.0"]
        torch.save(inputs, self.folder / "inputs.pt")
        said = call("run", path, self.folder / "inputs.pt", "train", self.folder / "out.pt", fails=True)
        self.assertIn("'x.b.0' is missing", said)

    def test_other_forms_of_a_program(self):
        make, rows = NETS["conv"]
        for change in (lambda exported: exported.run_decompositions(), lambda exported: exported.run_decompositions({})):
            net = make()
            net[6].p = 0.0
            path = self.export(net, (rows(5),), ({0: BATCH},), change=change)
            x = rows(7)
            self.run_as_python(net, path, {"x": x}, (x,))
        net = make().eval()
        path = self.export(net, (rows(5),), ({0: BATCH},))
        x = rows(4)
        self.run_as_python(net, path, {"x": x}, (x,), mode="eval")

    def test_stochastic_depth_is_off_in_eval(self):
        for change in (lambda exported: exported, lambda exported: exported.run_decompositions()):
            net = StochasticDepth()
            path = self.export(net, (torch.rand(5, 4),), ({0: BATCH},), change=change)
            x = torch.rand(7, 4)
            for mode in ("train", "eval"):
                self.run_as_python(copy.deepcopy(net), path, {"x": x}, (x,), mode=mode)

    def test_refusals_name_what_is_wrong(self):
        def refused(path, x):
            torch.save({"x": x}, self.folder / "inputs.pt")
            return call("run", path, self.folder / "inputs.pt", "train", self.folder / "out.pt", fails=True)

        fixed = self.export(nn.Linear(4, 2), (torch.rand(5, 4),), None)
        said = refused(fixed, torch.rand(6, 4))
        self.assertIn("dimension 0 of input 'input' is 5 in the program", said)
        ranged = self.export(nn.Linear(4, 2), (torch.rand(5, 4),), ({0: torch.export.Dim("b", min=2, max=9)},))
        self.assertIn("may be from 2 to 9 in the program, and is 10", refused(ranged, torch.rand(10, 4)))

        class Branch(nn.Module):
            def forward(self, x):
                return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))

        said = refused(self.export(Branch(), (torch.rand(3),), None), torch.rand(3))
        self.assertIn("torch.ops.higher_order.cond", said)

        class NoGrad(nn.Module):
            def forward(self, x):
                with torch.no_grad():
                    y = x * 2
                return y + x

        said = refused(self.export(NoGrad(), (torch.rand(3),), None), torch.rand(3))
        self.assertIn("higher_order", said)

        @torch.library.custom_op("polytask_test::twice", mutates_args=())
        def twice(x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @twice.register_fake
        def _(x):
            return torch.empty_like(x)

        class Own(nn.Module):
            def forward(self, x):
                return twice(x)

        said = refused(self.export(Own(), (torch.rand(3),), None), torch.rand(3))
        self.assertIn("torch.ops.polytask_test.twice.default", said)
        plain = self.folder / "plain.pt"
        torch.save({"x": torch.rand(3)}, plain)
        self.assertIn("is no exported program", refused(plain, torch.rand(3)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
