# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""io::optimizer_state_dict and io::load_optimizer_state_dict, against state_dict and
load_state_dict of torch.optim.

    optimizer_state_test.py PROGRAM

`PROGRAM train MODEL OPT STEPS OUT_MODEL OUT_OPT KIND GROUP...`; see optimizer_state.cpp.
"""
import copy
import inspect
import pathlib
import subprocess
import sys
import tempfile
import unittest

from site_torch import torch  # or exits

program, = sys.argv[1:]
optim = torch.optim
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
OPTIMIZERS = {
    "SGD": (optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "SGD, damped": (optim.SGD, {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    "SGD, plain": (optim.SGD, {"lr": 0.05}),
    "Adam": (optim.Adam, {"lr": 0.003, "betas": (0.8, 0.99), "weight_decay": 0.01}),
    "Adam, amsgrad": (optim.Adam, {"lr": 0.003, "amsgrad": True}),
    "AdamW": (optim.AdamW, {"lr": 0.003, "weight_decay": 0.1, "eps": 1e-6}),
    "AdamW, amsgrad": (optim.AdamW, {"lr": 0.003, "amsgrad": True}),
}
ALL = "0.weight,0.bias,2.weight,2.bias"
TWO = ("2.bias,0.weight", "0.bias,2.weight")


def make_net(dtype):
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Linear(3, 40), torch.nn.Tanh(), torch.nn.Linear(40, 2)).to(dtype)


class OptimizerState(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def data(self, dtype):
        torch.manual_seed(4)
        return torch.rand(16, 3, dtype=dtype), torch.rand(16, 2, dtype=dtype)

    def train(self, net, optimizer, steps):
        x, y = self.data(net[0].weight.dtype)
        for _ in range(steps):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(net(x), y).backward()
            optimizer.step()

    def in_cpp(self, net, state, steps, kind, *groups, fails=False):
        """The weights and the state dict after so many steps from there, or what it said."""
        x, y = self.data(net[0].weight.dtype)
        files = [self.folder / name for name in ("model.pt", "opt.pt", "out_model.pt", "out_opt.pt")]
        torch.save({"weights": net.state_dict(), "x": x, "y": y}, files[0])
        torch.save(state, files[1])
        words = [program, "train", *files[:2], steps, *files[2:], kind, *groups]
        done = subprocess.run([*map(str, words)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1 if fails else 0, done.stderr)
        return done.stderr if fails else tuple(torch.load(path, weights_only=True) for path in files[2:])

    def close(self, found, expected, tolerance, what=""):
        self.assertEqual(found.dtype, expected.dtype, what)
        self.assertEqual(found.shape, expected.shape, what)
        self.assertLessEqual((found - expected).abs().max().item(), tolerance, what)

    def assert_close_states(self, found, expected, tolerance):
        self.assertEqual(list(found["state"]), sorted(expected["state"]))
        for number, state in expected["state"].items():
            self.assertEqual(set(found["state"][number]), set(state))
            for key, value in state.items():
                self.close(found["state"][number][key], value, tolerance, key)
        self.assertEqual(len(found["param_groups"]), len(expected["param_groups"]))
        for ours, theirs in zip(found["param_groups"], expected["param_groups"]):
            ours, theirs = dict(ours), dict(theirs)
            if "param_names" not in theirs:
                ours.pop("param_names")
            self.assertEqual(ours, theirs)

    def each(self, check, names=tuple(OPTIMIZERS), prefixes=("",)):
        for name in names:
            make, options = OPTIMIZERS[name]
            for dtype, tolerance in TOLERANCE.items():
                for prefix in prefixes:
                    kind = prefix + make.__name__
                    with self.subTest(optimizer=name, dtype=dtype, kind=kind):
                        check(lambda parameters: make(parameters, **options), dtype, tolerance, kind)

    def whole(self, make, dtype):
        """The net, the optimizer and its state after 20 steps, and the net after 40."""
        net = make_net(dtype)
        optimizer = make(net.named_parameters())
        self.train(net, optimizer, 40)
        half = make_net(dtype)
        optimizer_of_half = make(half.named_parameters())
        self.train(half, optimizer_of_half, 20)
        return half, optimizer_of_half, net, optimizer

    def test_python_goes_on_in_cpp(self):
        def check(make, dtype, tolerance, kind):
            half, optimizer, whole, optimizer_of_whole = self.whole(make, dtype)
            weights, state = self.in_cpp(half, optimizer.state_dict(), 20, kind, ALL)
            for name, value in whole.state_dict().items():
                self.close(weights[name], value, tolerance, name)
            self.assert_close_states(state, optimizer_of_whole.state_dict(), tolerance)

        self.each(check, prefixes=("", "Fused"))

    def test_cpp_goes_on_in_python(self):
        def check(make, dtype, tolerance, kind):
            whole = self.whole(make, dtype)[2]
            fresh = make_net(dtype)
            weights, state = self.in_cpp(fresh, make(fresh.named_parameters()).state_dict(), 20, kind, ALL)
            for parameters in (torch.nn.Module.named_parameters, torch.nn.Module.parameters):
                net = make_net(dtype)
                net.load_state_dict(weights)
                optimizer = make(parameters(net))
                optimizer.load_state_dict(copy.deepcopy(state))  # or its tensors become the optimizer's
                self.train(net, optimizer, 20)
                for name, value in whole.state_dict().items():
                    self.close(net.state_dict()[name], value, tolerance, name)

        self.each(check, prefixes=("", "Fused"))

    def test_what_went_through_is_the_same(self):
        def check(make, dtype, _, kind):
            half, optimizer, _, _ = self.whole(make, dtype)
            _, state = self.in_cpp(half, optimizer.state_dict(), 0, kind, ALL)
            self.assert_close_states(state, optimizer.state_dict(), 0)
            keys = [key for key in optimizer.state_dict()["param_groups"][0] if key not in ("params", "param_names")]
            self.assertEqual(list(state["param_groups"][0]), [*keys, "param_names", "params"])

        self.each(check)

    def test_groups_with_rates_of_their_own(self):
        def check(make, dtype, tolerance, kind):
            net = make_net(dtype)
            named = dict(net.named_parameters())
            first, second = ([(name, named[name]) for name in group.split(",")] for group in TWO)
            optimizer = make([{"params": first}, {"params": second, "lr": 0.001}])
            self.train(net, optimizer, 10)
            weights, state = self.in_cpp(net, optimizer.state_dict(), 10, kind, *TWO)
            in_other_groups = "2.weight,0.bias", "0.weight", "2.bias"
            turned, _ = self.in_cpp(net, optimizer.state_dict(), 10, kind, *in_other_groups)
            for name, value in weights.items():
                self.close(turned[name], value, tolerance, name)
            self.train(net, optimizer, 10)
            for name, value in net.state_dict().items():
                self.close(weights[name], value, tolerance, name)
            self.assert_close_states(state, optimizer.state_dict(), tolerance)

        self.each(check, names=("SGD", "Adam", "AdamW, amsgrad"))

    def test_without_names_the_order_counts(self):
        make, options = OPTIMIZERS["Adam"]
        net = make_net(torch.float64)
        optimizer = make(net.parameters(), **options)
        self.train(net, optimizer, 10)
        weights, _ = self.in_cpp(net, optimizer.state_dict(), 10, "Adam", ALL)
        said = self.in_cpp(net, optimizer.state_dict(), 10, "Adam", ",".join(reversed(ALL.split(","))), fails=True)
        self.assertIn("parameter '2.bias': expected 'exp_avg' of shape [2], but found [40, 3]", said)
        self.train(net, optimizer, 10)
        for name, value in net.state_dict().items():
            self.close(weights[name], value, 1e-12, name)

    def test_frozen_parameters_have_no_state(self):
        def check(make, dtype, _, kind):
            net = make_net(dtype)
            net[0].weight.requires_grad_(False)
            optimizer = make(net.parameters())
            self.train(net, optimizer, 3)
            _, state = self.in_cpp(net, optimizer.state_dict(), 0, kind, ALL)
            self.assert_close_states(state, optimizer.state_dict(), 0)
            self.assertEqual(list(state["state"]), [1, 2, 3])

        self.each(check, names=("SGD", "Adam"))

    def test_options_of_python_alone(self):
        net = make_net(torch.float32)
        for options in ({"foreach": True}, {"fused": True}, {"lr": torch.tensor(0.25)}, {"maximize": False}):
            with self.subTest(options=options):
                optimizer = optim.Adam(net.parameters(), **options)
                if "lr" not in options:
                    self.train(net, optimizer, 2)
                _, state = self.in_cpp(net, optimizer.state_dict(), 0, "Adam", ALL)
                self.assertEqual(state["param_groups"][0]["lr"], float(options.get("lr", 1e-3)))
        optimizer = optim.Adam(net.parameters(), maximize=True)
        self.assertIn("'maximize' is set", self.in_cpp(net, optimizer.state_dict(), 0, "Adam", ALL, fails=True))

    def test_schedulers_keys_are_passed_over(self):
        net = make_net(torch.float32)
        optimizer = optim.Adam(net.parameters())
        optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
        self.assertIn("max_lr", optimizer.state_dict()["param_groups"][0])
        self.in_cpp(net, optimizer.state_dict(), 1, "Adam", ALL)

    def test_doubles_by_default(self):
        torch.set_default_dtype(torch.float64)
        self.addCleanup(torch.set_default_dtype, torch.float32)
        net = make_net(torch.float32)
        optimizer = optim.Adam(net.parameters())
        self.train(net, optimizer, 3)
        _, state = self.in_cpp(net, optimizer.state_dict(), 2, "Adam", ALL)
        self.assertEqual(state["state"][0]["step"], 5)

    def test_other_kinds_are_refused(self):
        known = ("SGD", "Adam", "AdamW")
        for name, make in vars(optim).items():
            # Some want other nets.
            if not inspect.isclass(make) or name in ("Optimizer", "LBFGS", "SparseAdam", "Muon"):
                continue
            net = make_net(torch.float32)
            optimizer = make(net.parameters(), **({} if name == "Rprop" else {"weight_decay": 0.1}))
            self.train(net, optimizer, 1)
            for kind in known:
                with self.subTest(optimizer=name, kind=kind):
                    said = self.in_cpp(net, optimizer.state_dict(), 0, kind, ALL, fails=name != kind)
                    if name != kind:
                        self.assertRegex(said, "of another kind of optimizer|its weight decay is an Adam")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
