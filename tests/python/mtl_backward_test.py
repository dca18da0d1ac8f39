# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""polytask.mtl_backward, from Python.

    mtl_backward_test.py LIBRARY SOURCE [GOLDEN]
"""
import copy
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import warnings

from site_torch import torch  # or exits

import golden

library, source, *golden_folder = sys.argv[1:]
os.environ["POLYTASK_LIBRARY"] = library
spec = importlib.util.spec_from_file_location("polytask", pathlib.Path(source) / "src/python/polytask.py")
polytask = importlib.util.module_from_spec(spec)
spec.loader.exec_module(polytask)
mtl_backward, Balancing = polytask.mtl_backward, polytask.Balancing
try:
    import torchjd.aggregation
    import torchjd.autojac
except ImportError:
    torchjd = None

NAMES = torch.ops.polytask.balancing_names()
# What a method cannot do without.
NEEDED = {
    "constant": {"weights": [0.5, 1.0, 2.0]},
    "scalarizer_constant": {"weights": [0.5, 1.0, 2.0]},
    "every_k_steps": {"method": "pcgrad", "k": 2},
    "preference": {"method": "pcgrad", "preferences": [1.0, 2.0, 3.0]},
    "per_group": {"method": "config"},
    "summed_representation": {"method": "pcgrad"},
}
KINDS = ("sum", "upgrad", "config")  # of losses, of a Gramian, of a Jacobian


def made(name):
    method = Balancing(name, **NEEDED.get(name, {}))
    method.seed(7)
    return method


class Model(torch.nn.Module):
    """Three tasks that pull apart, behind two layers."""

    def __init__(self, dtype=torch.float64, between=torch.nn.Tanh, device="cpu"):
        super().__init__()
        torch.manual_seed(1)
        self.x = torch.randn(16, 5, dtype=dtype, device=device)
        self.y = [torch.randn(16, width, dtype=dtype, device=device) for width in (1, 2, 1)]
        self.trunk = torch.nn.Sequential(torch.nn.Linear(5, 8), between(), torch.nn.Linear(8, 6), torch.nn.Tanh())
        self.heads = torch.nn.ModuleList([torch.nn.Linear(6, width) for width in (1, 2, 1)])
        self.to(device, dtype)
        self.shared = list(self.trunk.parameters())

    def forward(self):
        torch.manual_seed(2)  # of dropout
        self.features = self.trunk(self.x)
        return [(head(self.features) - y).square().mean() * (t + 1)
                for t, (head, y) in enumerate(zip(self.heads, self.y))]

    def gradients(self):
        return [None if p.grad is None else p.grad.clone() for p in self.parameters()]

    def rows(self):
        """J [T, N], by autograd, loss by loss."""
        rows = [torch.autograd.grad(loss, self.shared, retain_graph=True) for loss in self()]
        return torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])

    def direction(self):
        return torch.cat([p.grad.flatten() for p in self.shared])


class WithTensors(unittest.TestCase):
    def assert_close(self, found, expected, rtol=1e-10, atol=1e-12):
        torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)

    def assert_gradients(self, model, expected, **tolerances):
        for (name, _), found, wanted in zip(model.named_parameters(), model.gradients(), expected):
            with self.subTest(name):
                self.assert_close(found, wanted, **tolerances)


def plain_gradients(losses, weights, inputs):
    total = sum(w * loss for w, loss in zip(weights, losses))
    return list(torch.autograd.grad(total, inputs, retain_graph=True, allow_unused=True))


class Semantics(WithTensors):
    def test_of_a_sum_is_autograds(self):
        model = Model()
        weights = mtl_backward(model(), model.shared, Balancing("sum"))
        self.assert_close(weights, torch.ones(3, dtype=torch.float64))
        self.assert_gradients(model, plain_gradients(model(), (1, 1, 1), list(model.parameters())))

    def test_every_method_gives_the_direction_of_its_jacobian(self):
        for name in NAMES:
            for features in (False, True):
                with self.subTest(name, features=features):
                    model, method, twin = Model(), made(name), made(name)
                    if method.reads() == "bilevel" or method.batches() != 1 or method.wants_representation():
                        with self.assertRaisesRegex(ValueError, f"mtl_backward: the balancing '{method.name()}'"):
                            mtl_backward(model(), model.shared, method)
                        continue
                    for step in range(3):
                        model.zero_grad()
                        losses = model()
                        values = torch.stack(losses).detach()
                        sizes = torch.tensor([p.numel() for p in model.shared])
                        repeats = not twin.wants_gradients()
                        expected = (twin.repeat() @ model.rows() if repeats else
                                    twin.direction(model.rows(), {"losses": values, "parameter_sizes": sizes}))
                        weights = mtl_backward(losses, model.shared, method, model.features if features else None)
                        self.assert_close(model.direction(), expected, 1e-7, 1e-10)
                        own = weights if method.reads() == "losses" else (1, 1, 1)
                        heads = list(model.heads.parameters())
                        self.assert_close([p.grad for p in heads], plain_gradients(model(), own, heads))
                        if weights is not None:
                            self.assert_close(weights @ model.rows(), expected, 1e-7, 1e-10)
                        for each in (method, twin):
                            each.observe_after(0.9 * values)
                        with torch.no_grad():
                            model.shared[0].add_(0.3)

    def test_adds_to_what_is_there(self):
        for name in KINDS:
            model = Model()
            mtl_backward(model(), model.shared, made(name))
            first, tensors = model.gradients(), [p.grad for p in model.parameters()]
            mtl_backward(model(), model.shared, made(name))
            self.assert_gradients(model, [2 * g for g in first])
            self.assertTrue(all(p.grad is tensor for p, tensor in zip(model.parameters(), tensors)))

    def test_takes_a_tensor_of_losses(self):
        for name in KINDS:
            one, other = Model(), Model()
            mtl_backward(one(), one.shared, made(name))
            mtl_backward(torch.stack(other()), other.shared, made(name))
            self.assert_gradients(other, one.gradients())

    def test_takes_losses_of_one_element(self):
        for name in (*KINDS, "every_k_steps"):
            one, other, method, twin = Model(), Model(), made(name), made(name)
            for _ in range(2):
                mtl_backward(one(), one.shared, method)
                mtl_backward([loss.reshape(1, 1) for loss in other()], other.shared, twin, other.features)
            self.assert_gradients(other, one.gradients())

    def test_leaves_what_no_loss_reaches_and_what_is_frozen(self):
        unused = torch.ones(3, dtype=torch.float64, requires_grad=True)
        for name in KINDS:
            for features in (False, True):
                model, reference = Model(), Model()
                for each in (model, reference):
                    each.shared[0].requires_grad_(False)
                    each.heads[1].bias.requires_grad_(False)
                model()
                mtl_backward(model(), [unused, *model.shared], made(name), model.features if features else None)
                mtl_backward(reference(), reference.shared[1:], made(name))
                self.assertIsNone(unused.grad)
                self.assertIsNone(model.shared[0].grad)
                self.assert_gradients(model, reference.gradients())

    def test_shared_parameters_may_come_twice_and_from_a_generator(self):
        one, other = Model(), Model()
        mtl_backward(one(), one.shared, made("upgrad"))
        mtl_backward(other(), (p for p in [*other.shared, *other.shared]), made("upgrad"))
        self.assert_gradients(other, one.gradients())

    def test_gives_an_input_and_unshared_layers_the_plain_sum(self):
        for features in (False, True):
            model, reference = Model(), Model()
            for each in (model, reference):
                each.x.requires_grad_()
            mtl_backward(model(), model.shared[2:], made("upgrad"), model.features if features else None)
            sum(reference()).backward()
            self.assert_close(model.x.grad, reference.x.grad)
            self.assert_close([p.grad for p in model.shared[:2]], [p.grad for p in reference.shared[:2]])

    def test_parameters_tied_between_trunk_and_head(self):
        for name in KINDS:
            for features in (False, True):
                model = Model()
                model.heads[1].weight = torch.nn.Parameter(model.shared[2][:2, :6])
                tied = model.heads[0].weight = torch.nn.Parameter(torch.ones(1, 6, dtype=torch.float64))
                model.heads[2].weight = tied  # of two heads
                losses = [loss + model.shared[0].square().sum() for loss in model()]  # beside the features
                rows = [torch.autograd.grad(loss, model.shared, retain_graph=True) for loss in losses]
                jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
                extras = {"losses": torch.stack(losses).detach()}
                expected = plain_gradients(losses, (1, 1, 1), [tied])
                mtl_backward(losses, model.shared, made(name), model.features if features else None)
                self.assert_close(model.direction(), made(name).direction(jacobian, extras))
                self.assert_close(tied.grad, expected[0])

    def test_several_features_some_of_which_are_made_of_others(self):
        for pick in (slice(None), slice(1, None)):
            model = Model()
            first = model.trunk[:2](model.x)
            second = model.trunk[2:](first)
            losses = [second.square().mean(), (second[:, :1] - 1).square().mean() + first.sum() / 50,
                      first.abs().mean()]
            rows = [torch.autograd.grad(loss, model.shared, retain_graph=True, allow_unused=True) for loss in losses]
            jacobian = torch.stack([torch.cat([torch.zeros_like(p).flatten() if g is None else g.flatten()
                                               for g, p in zip(row, model.shared)]) for row in rows])
            mtl_backward(losses, model.shared, made("upgrad"), [first, second][pick])
            self.assert_close(model.direction(), made("upgrad").direction(jacobian))

    def test_two_features_side_by_side_and_one_that_a_task_does_not_use(self):
        for name in KINDS:
            model = Model()
            left, right, idle = model.trunk(model.x), model.trunk(-model.x), model.trunk(2 * model.x)
            losses = [(left - 1).square().mean(), right.square().mean(), (left * right).sum()]
            rows = [torch.autograd.grad(loss, model.shared, retain_graph=True) for loss in losses]
            jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
            mtl_backward(losses, model.shared, made(name), (left, right, idle))
            self.assert_close(model.direction(), made(name).direction(jacobian))

    def test_tasks_parameters_say_which_others_get_a_gradient(self):
        for name in KINDS:
            model, reference = Model(), Model()
            mtl_backward(reference(), reference.shared, made(name))
            mtl_backward(model(), model.shared, made(name), model.features,
                         [head.parameters() for head in (model.heads[0], model.heads[2])])
            for head in (0, 2):
                self.assert_close(model.heads[head].weight.grad, reference.heads[head].weight.grad)
            self.assertIsNone(model.heads[1].weight.grad)
            self.assert_close(model.direction(), reference.direction())

    def test_gives_other_leaves_sparse_gradients(self):
        for name in KINDS:
            model = Model()
            table = torch.nn.Embedding(10, 6, sparse=True, dtype=torch.float64)
            losses = [*model(), (model.features[:4] * table(torch.arange(4))).sum().square()]
            mtl_backward(losses, model.shared, made(name))
            self.assertTrue(table.weight.grad.is_sparse)

    def test_runs_a_hook_of_a_head_once(self):
        for name in KINDS:
            model, calls = Model(), []
            model.heads[0].weight.register_post_accumulate_grad_hook(lambda p: calls.append(p))
            mtl_backward(model(), model.shared, made(name))
            self.assertEqual(len(calls), 1)

    def test_keeps_a_dropouts_mask(self):
        def dropout():
            return torch.nn.Dropout(0.5)
        for features in (False, True):
            model = Model(between=dropout)
            mtl_backward(model(), model.shared, made("upgrad"), model.features if features else None)
            self.assert_close(model.direction(), made("upgrad").direction(model.rows()))

    def test_every_dtype(self):
        for dtype, digits in ((torch.float32, 1e-4), (torch.bfloat16, 0.1), (torch.float16, 0.02)):
            for name in ("uncertainty_weighting", "upgrad", "config"):
                for features in (False, True):
                    with self.subTest(name, dtype=dtype, features=features):
                        exact, model = Model(), Model(dtype)
                        model.load_state_dict(exact.state_dict())
                        model.x, model.y = exact.x.to(dtype), [y.to(dtype) for y in exact.y]
                        mtl_backward(exact(), exact.shared, made(name))
                        mtl_backward(model(), model.shared, made(name), model.features if features else None)
                        self.assertTrue(all(p.grad.dtype == dtype for p in model.parameters()))
                        apart = (model.direction().double() - exact.direction()).norm() / exact.direction().norm()
                        self.assertLess(apart.item(), digits)

    def test_inner_products_leave_the_range_of_half_precision(self):
        shared = torch.ones(4, dtype=torch.float16, requires_grad=True)
        mtl_backward([300 * shared.sum(), 300 * shared[0]], [shared], Balancing("mgda"))
        self.assertTrue(torch.equal(shared.grad, torch.tensor([300.0, 0, 0, 0], dtype=torch.float16)))

    def test_passes_over_features_that_need_no_gradient(self):
        model, reference = Model(), Model()
        mtl_backward(reference(), reference.shared, made("upgrad"))
        mtl_backward(model(), model.shared, made("upgrad"), [model.x, model.features, model.features])
        self.assert_gradients(model, reference.gradients())

    @unittest.skipUnless(torch.cuda.is_available(), "there is no CUDA device")
    def test_on_a_device(self):
        for name in KINDS:
            for features in (False, True):
                model = Model(device="cuda")
                mtl_backward(model(), model.shared, made(name), model.features if features else None)
                extras = {"losses": torch.stack(model()).detach()}
                self.assert_close(model.direction(), made(name).direction(model.rows(), extras), 1e-7, 1e-10)


class TakesNoBatch(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return 2 * x

    @staticmethod
    def backward(context, gradient):
        return torch.from_numpy(2 * gradient.numpy())


class Routes(WithTensors):
    def test_passes_the_trunk_no_more_often_than_it_must(self):
        for name, features, passes in (("sum", False, [1, 1]), ("upgrad", False, [3, 3]), ("upgrad", True, [1, 1]),
                                       ("every_k_steps", False, [3, 1]), ("every_k_steps", True, [1, 1])):
            with self.subTest(name, features=features):
                model, method, calls = Model(), made(name), []
                model.shared[0].register_hook(calls.append)
                for expected in passes:
                    calls.clear()
                    mtl_backward(model(), model.shared, method, model.features if features else None)
                    self.assertEqual(len(calls), expected)

    def test_goes_task_by_task_where_an_operator_takes_no_batch(self):
        class Module(torch.nn.Module):
            def forward(self, x):
                return TakesNoBatch.apply(x)
        model = Model(between=Module)
        mtl_backward(model(), model.shared, made("upgrad"), model.features)
        self.assert_close(model.direction(), made("upgrad").direction(model.rows()))

    def test_says_what_went_wrong_in_a_backward(self):
        class Fails(torch.autograd.Function):
            @staticmethod
            def forward(context, x):
                return 2 * x

            @staticmethod
            def backward(context, gradient):
                raise ArithmeticError("of the user")

        class Module(torch.nn.Module):
            def forward(self, x):
                return Fails.apply(x)
        model = Model(between=Module)
        with self.assertRaisesRegex(ArithmeticError, "of the user"):
            mtl_backward(model(), model.shared, made("upgrad"), model.features)
        self.assertEqual(model.gradients(), [None] * 10)

    def test_large_features_and_convolutions(self):
        torch.manual_seed(3)
        x = torch.randn(4, 2, 48, 48, dtype=torch.float64)
        for pooled in (False, True):
            trunk = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.ReLU(),
                                        torch.nn.AdaptiveAvgPool2d(1) if pooled else torch.nn.Identity()).double()
            features = trunk(x)
            losses = [features.square().mean(), (features[:, 0] - 1).square().mean()]
            shared = list(trunk.parameters())
            rows = [torch.autograd.grad(loss, shared, retain_graph=True) for loss in losses]
            jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
            mtl_backward(losses, shared, made("mgda"), features)
            self.assert_close(torch.cat([p.grad.flatten() for p in shared]), made("mgda").direction(jacobian))

    def test_a_recurrent_trunk_of_which_a_head_also_sees_the_last_state(self):
        torch.manual_seed(4)
        trunk = torch.nn.GRU(3, 4, batch_first=True).double()
        features, last = trunk(torch.randn(5, 6, 3, dtype=torch.float64))
        losses = [features.square().mean(), (features - 1).square().mean() + last.sum()]
        shared = list(trunk.parameters())
        rows = [torch.autograd.grad(loss, shared, retain_graph=True) for loss in losses]
        jacobian = torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])
        mtl_backward(losses, shared, made("mgda"), features)
        self.assert_close(torch.cat([p.grad.flatten() for p in shared]), made("mgda").direction(jacobian))


def min_norm_of_two(a, b):
    """Sener and Koltun, 2018, algorithm 1: the shortest vector between two."""
    return (((b - a) @ b) / (a - b).square().sum()).clamp(0, 1)


class ByHand(WithTensors):
    def two(self):
        model = Model()
        return model, model()[:2], model.rows()[:2]

    def test_mgda_of_two_tasks(self):
        model, losses, (a, b) = self.two()
        share = min_norm_of_two(a, b)
        weights = mtl_backward(losses, model.shared, Balancing("mgda"))
        self.assert_close(weights, torch.stack([share, 1 - share]))
        self.assert_close(model.direction(), share * a + (1 - share) * b)

    def test_upgrad_of_two_tasks(self):
        for sign in (1, -1):  # agreeing or not
            model = Model()
            losses = model()[:2]
            losses = [losses[0], sign * losses[1]]
            rows = [torch.autograd.grad(loss, model.shared, retain_graph=True) for loss in losses]
            a, b = (torch.cat([g.flatten() for g in row]) for row in rows)
            # Each row onto the cone of the rows that harm neither, and their mean.
            inner = (a @ b).clamp(max=0)
            expected = (a - inner / b.square().sum() * b + b - inner / a.square().sum() * a) / 2
            mtl_backward(losses, model.shared, Balancing("upgrad"))
            self.assert_close(model.direction(), expected)

    def test_pcgrad_of_two_tasks_needs_no_order(self):
        model, losses, (a, b) = self.two()
        inner = (a @ b).clamp(max=0)
        mtl_backward(losses, model.shared, Balancing("pcgrad"))
        self.assert_close(model.direction(), a - inner / b.square().sum() * b + b - inner / a.square().sum() * a)

    def test_random_methods_follow_their_seed(self):
        for name in ("pcgrad", "random", "rlw", "graddrop"):
            one, other, method, twin = Model(), Model(), Balancing(name), Balancing(name)
            method.seed(3)
            twin.seed(3)
            mtl_backward(one(), one.shared, method)
            mtl_backward(other(), other.shared, twin)
            self.assert_gradients(other, one.gradients(), rtol=0, atol=0)

    def test_cagrad_lies_within_its_ball_and_helps_the_worst_most(self):
        model = Model()
        jacobian, losses = model.rows(), model()
        mean = jacobian.mean(0)
        mtl_backward(losses, model.shared, Balancing("cagrad", c=0.5, rescale=0))
        found = model.direction()
        radius = 0.5 * mean.norm()
        self.assertLessEqual((found - mean).norm().item(), radius.item() * (1 + 1e-6))
        worst = (jacobian @ found).min()
        torch.manual_seed(5)
        for _ in range(2000):
            other = torch.randn(3, dtype=torch.float64) @ jacobian
            other = mean + other / other.norm() * radius
            self.assertLessEqual((jacobian @ other).min().item(), worst.item() + 1e-6 * worst.abs().item())

    def test_imtl_g_has_equal_projections(self):
        model = Model()
        jacobian, losses = model.rows(), model()
        mtl_backward(losses, model.shared, Balancing("imtl_g"), model.features)
        projections = (jacobian / jacobian.norm(dim=1, keepdim=True)) @ model.direction()
        self.assert_close(projections, projections[0].expand(3), 1e-6, 1e-9)

    def test_uncertainty_weighting_learns_as_a_plain_loop(self):
        model, method = Model(), Balancing("uncertainty_weighting")
        method.prepare(3)
        plain = copy.deepcopy(model)
        plain.shared = list(plain.trunk.parameters())
        log_var = torch.zeros(3, dtype=method.parameters()[0].dtype, requires_grad=True)
        ours = torch.optim.SGD([*model.parameters(), *method.parameters()], lr=0.05)
        theirs = torch.optim.SGD([*plain.parameters(), log_var], lr=0.05)
        for _ in range(20):
            ours.zero_grad()
            mtl_backward(model(), model.shared, method, model.features)
            ours.step()
            theirs.zero_grad()
            made("uncertainty_weighting").scalarize(torch.stack(plain()), {"log_var": log_var}).backward()
            theirs.step()
        self.assert_close(method.state()["log_var"].double(), log_var.detach().double())
        self.assertGreater(log_var.detach().abs().max().item(), 0.01)
        for a, b in zip(model.parameters(), plain.parameters()):
            self.assert_close(a, b)


class Errors(WithTensors):
    def refused(self, said, losses, shared, name, **more):
        with self.assertRaisesRegex(ValueError, said):
            mtl_backward(losses, shared, made(name), **more)

    def test_refuses_by_name_and_changes_nothing(self):
        model = Model()
        shared, losses = model.shared, model()
        stale = [torch.ones(2, dtype=torch.float64, requires_grad=True)]
        for name in KINDS:
            with self.subTest(name):
                self.refused("at least one loss", [], shared, name)
                self.refused(r"loss 1 to be one floating-point value, but got torch.float64 \[2\]",
                             [losses[0], losses[1].expand(2)], shared, name)
                self.refused("loss 0 to be one floating-point", [torch.tensor(1)], shared, name)
                self.refused("loss 1 has no graph", [losses[0], losses[1].detach()], shared, name)
                self.refused("loss 2 is nan", [*losses[:2], losses[2] * torch.nan], shared, name)
                self.refused("loss 0 is inf", [losses[0] * torch.inf], shared, name)
                self.refused("losses of one dtype", [losses[0], losses[1].float()], shared, name)
                mixed = [*shared, torch.ones(2, requires_grad=True)]
                self.refused("shared parameters of one dtype", losses, mixed, name)
                self.refused("no leaf", losses, [*shared, shared[0] * 2], name)
                with torch.no_grad():
                    self.refused("switched off", losses, shared, name)
        for name in KINDS[1:]:
            self.refused("weighs gradients", losses, [], name)
            self.refused("weighs gradients", losses, [model.x], name)
            self.refused("no loss reaches any", losses, stale, name)
            self.refused("no loss reaches any", losses, stale, name, features=2 * stale[0])
            table = torch.nn.Embedding(9, 6, sparse=True, dtype=torch.float64)
            rows = table(torch.arange(4))
            for features in (None, rows):
                self.refused("sparse", [rows.sum(), rows.square().sum()], [table.weight], name, features=features)
        self.refused("several batches", losses, shared, "modo")
        self.refused("several batches", losses, shared, "moml")
        self.assertEqual(model.gradients(), [None] * 10)

    def test_keeps_gradients_where_the_method_refuses(self):
        model, method = Model(), Balancing("upgrad")
        mtl_backward(model(), model.shared, method)
        before, losses = model.gradients(), model()
        losses[1] = losses[1] + (0 * model.features.sum()).sqrt()
        for features in (None, model.features):
            with self.assertRaisesRegex(ValueError, "upgrad: the gradients? of .* which is not finite"):
                mtl_backward(losses, model.shared, method, features)
        self.assert_gradients(model, before, rtol=0, atol=0)

    def test_foreign_features_are_as_none(self):
        model, reference = Model(), Model()
        mtl_backward(reference(), reference.shared, made("upgrad"))
        mtl_backward(model(), model.shared, made("upgrad"), model.trunk(model.x))
        self.assert_gradients(model, reference.gradients())

    def test_says_nothing_beside(self):
        model = Model()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            mtl_backward(model(), model.shared, made("upgrad"), model.features)


class Import(unittest.TestCase):
    def test_finds_the_library_beside_it(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(pathlib.Path(source) / "src/python/polytask.py", folder)
            os.symlink(pathlib.Path(library).resolve(), pathlib.Path(folder) / "libpolytask_python.so")
            others = {name: value for name, value in os.environ.items() if name != "POLYTASK_LIBRARY"}
            environment = {**others, "PYTHONPATH": os.pathsep.join([folder, *filter(None, sys.path)])}
            program = "import polytask; print(polytask.Balancing('cagrad', c=0.25))"
            done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
            self.assertIn("c=0.25", done.stdout, done.stderr)


class Golden(WithTensors):
    """Jacobians of other people's files, as gradients of linear losses."""

    def check(self, path, name):
        file, cases = json.loads(path.read_text()), 0
        for case in file["cases"]:
            if "jacobian" not in case or not {"gradient"} <= set(case.get("expected", {})):
                continue
            jacobian = golden.tensor(case["jacobian"])
            point = torch.zeros(jacobian.shape[1], dtype=torch.float64, requires_grad=True)
            features = 1 * point
            mtl_backward(jacobian @ features + golden.tensor(case.get("losses", [1.0] * len(jacobian))), [point],
                         Balancing(name, **golden.options_of(file, case)), features)
            found = {"gradient": point.grad}
            self.assertEqual(golden.step_refusal(name, case, case, found), "", case["name"])
            cases += 1
        self.assertGreater(cases, 0, path)

    def check_folder(self, folder):
        for name in ("mgda", "upgrad", "imtl_g", "aligned_mtl", "dualproj", "config", "cagrad"):
            if (folder / f"{name}.json").exists():
                with self.subTest(name):
                    self.check(folder / f"{name}.json", name)

    def test_values_are_reproduced(self):
        self.check_folder(pathlib.Path(source) / "tests/balancing/values")

    def test_values_of_whole_files_are_reproduced(self):
        if not golden_folder or not pathlib.Path(golden_folder[0]).is_dir():
            self.skipTest("there are no whole files")
        self.check_folder(pathlib.Path(golden_folder[0]))


@unittest.skipUnless(torchjd, "there is no TorchJD")
class LikeTorchJD(WithTensors):
    def test_gives_the_same_gradients(self):
        of = torchjd and torchjd.aggregation
        regularised = {"norm_eps": 1e-4, "reg_eps": 1e-4}  # TorchJD's defaults
        pairs = {"upgrad": (of.UPGrad(), regularised), "dualproj": (of.DualProj(), regularised),
                 "mgda": (of.MGDA(max_iters=100000, epsilon=1e-12), {}), "imtl_g": (of.IMTLG(), {}),
                 "aligned_mtl": (of.AlignedMTL(), {}), "config": (of.ConFIG(), {}), "sum": (of.Sum(), {})}
        for name, (aggregator, options) in pairs.items():
            for given in ((), ("features",), ("features", "tasks_parameters")):
                with self.subTest(name, given=given):
                    ours, theirs = Model(), Model()
                    losses = ours()
                    more = {"features": ours.features, "tasks_parameters": [head.parameters() for head in ours.heads]}
                    mtl_backward(losses, ours.shared, Balancing(name, **options), **{key: more[key] for key in given})
                    losses = theirs()
                    torchjd.autojac.mtl_backward(losses, features=theirs.features)
                    torchjd.autojac.jac_to_grad(theirs.shared, aggregator)
                    scale = theirs.direction().abs().max().item()
                    self.assert_close(ours.direction(), theirs.direction(), 0, 1e-6 * scale)
                    self.assert_close([p.grad for p in ours.heads.parameters()],
                                      [p.grad for p in theirs.heads.parameters()])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
