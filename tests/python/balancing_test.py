# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""torch.classes.polytask.Balancing and torch.ops.polytask, from Python.

    balancing_test.py LIBRARY SOURCE [GOLDEN]
"""
import copy
import pathlib
import pickle
import sys
import unittest

from site_torch import torch  # or exits

import golden

library, source, *golden_folder = sys.argv[1:]
torch.ops.load_library(library)
Balancing = torch.classes.polytask.Balancing
ops = torch.ops.polytask
NAMES = set(ops.balancing_names())

# What a method cannot do without.
NEEDED = {
    "constant": {"weights": [0.5, 1.0, 2.0]},
    "scalarizer_constant": {"weights": [0.5, 1.0, 2.0]},
    "every_k_steps": {"method": "pcgrad", "k": 2},
    "preference": {"method": "pcgrad", "preferences": [1.0, 2.0, 3.0]},
    "per_group": {"method": "config", "parameter_sizes": [2, 3]},
    "summed_representation": {"method": "pcgrad"},
}
LOSSES = torch.tensor([0.5, 1.5, 2.5], dtype=torch.float64)
JACOBIAN = torch.tensor([[1, 2, 0, -1, 1], [-1, 1, 2, 0, 1], [0, -1, 1, 3, 1]], dtype=torch.float64)


def made(name):
    return Balancing(name, NEEDED.get(name, {}))


def extras_of(method):
    extras = {"representation": torch.ones(1, 5, dtype=torch.float64)} if "representation" in method.name() else {}
    if method.reads() == "losses":
        return extras
    if method.batches() == 3:
        extras["jacobian_2"] = JACOBIAN.flip(1)
    return {**extras, "losses": LOSSES, "initial_losses": LOSSES}


def rows_for(method):
    """[T, 1, N] where the method is one of representations."""
    is_representation = "representation" in method.name()
    return JACOBIAN.unsqueeze(1) if is_representation else JACOBIAN


def needs(name):
    return unittest.skipUnless(name in NAMES, f"the library has no method '{name}'")


class Construction(unittest.TestCase):
    def test_needs_no_options(self):
        self.assertEqual(Balancing("pcgrad").reads(), "gramian")
        self.assertEqual(Balancing("pcgrad", {}).name(), "pcgrad")

    def test_takes_numbers_words_and_lists_of_numbers(self):
        Balancing("famo", {"lr": 1, "weight_decay": True, "min_losses": [0, 1]})
        Balancing("stch", {"mu": 0.5, "weights": (1, 2.5), "reference": torch.tensor([1.0, 2.0])})
        Balancing("graddrop", {"f": "identity", "leak": [0.1, 0.2]})

    def test_leaves_out_what_is_none(self):
        self.assertEqual(Balancing("dwa", {"temperature": None}).name(), "dwa")

    @needs("cagrad")
    def test_takes_the_options_of_the_gramian_methods(self):
        self.assertEqual(Balancing("cagrad", {"c": 0.4}).reads(), "gramian")
        Balancing("aligned_mtl", {"scale_mode": "median", "pref_vector": [0.2, 1.1]})

    def test_says_which_names_are_near(self):
        with self.assertRaisesRegex(ValueError, "there is no method 'pcgrat'; near it are .*'pcgrad'"):
            Balancing("pcgrat")

    def test_says_which_options_there_are(self):
        with self.assertRaisesRegex(ValueError, "famo: has no option 'rate'; it has .*'lr'"):
            Balancing("famo", {"rate": 1})

    def test_says_what_an_option_may_be(self):
        with self.assertRaisesRegex(ValueError, "famo: expected the option 'lr' to be a number"):
            Balancing("famo", {"lr": {"a": 1}})
        with self.assertRaisesRegex(ValueError, "famo: the option 'lr' must be a number"):
            Balancing("famo", {"lr": "fast"})


class Options(unittest.TestCase):
    def test_are_those_that_hold(self):
        options = Balancing("famo", {"lr": 0.5}).options()
        self.assertEqual(options, {"lr": 0.5, "weight_decay": 1e-3, "min_losses": ()})

    def test_make_the_method_again(self):
        for name in NAMES:
            with self.subTest(name):
                method = made(name)
                again = Balancing(method.name(), method.options())
                self.assertEqual(again.options(), method.options())

    def test_are_shown(self):
        shown = "FAMO(lr=0.5, weight_decay=0.001, min_losses=[])"
        method = Balancing("famo", {"lr": 0.5})
        self.assertEqual((str(method), repr(method)), (shown, shown))

    def test_out_of_range_are_refused(self):
        with self.assertRaisesRegex(ValueError, "famo: expected lr of at least 0, but got -1"):
            Balancing("famo", {"lr": -1})


class EveryMethod(unittest.TestCase):
    def test_gives_a_direction_of_the_jacobians_dtype(self):
        for name in NAMES:
            with self.subTest(name):
                method = made(name)
                if method.reads() == "bilevel":
                    continue
                rows = rows_for(method).float()
                direction = method.direction(rows, extras_of(method))
                self.assertEqual((direction.shape, direction.dtype), (rows.shape[1:], torch.float32))
                self.assertTrue(direction.isfinite().all())

    def test_goes_on_where_its_state_was(self):
        for copied in (self.by_state, copy.deepcopy, lambda method: pickle.loads(pickle.dumps(method))):
            for name in NAMES:
                with self.subTest(name, copied=copied):
                    method = made(name)
                    if method.reads() == "bilevel":
                        continue
                    method.seed(7)
                    rows, extras = rows_for(method), extras_of(method)
                    for _ in range(2):
                        method.direction(rows, extras)
                        method.observe_after(0.9 * LOSSES)
                        method.end_epoch()
                    twin = copied(method)
                    for _ in range(2):
                        self.assertTrue(torch.equal(method.direction(rows, extras), twin.direction(rows, extras)))

    def by_state(self, method):
        twin = copy.deepcopy(method)
        twin.reset()
        twin.seed(1)
        twin.load_state(method.state())
        return twin


class MethodOfLosses(unittest.TestCase):
    def test_scalar_carries_gradients_to_losses_and_extras(self):
        losses = LOSSES.clone().requires_grad_()
        log_var = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        Balancing("uncertainty_weighting").scalarize(losses, {"log_var": log_var}).backward()
        self.assertTrue(torch.allclose(losses.grad, torch.full_like(LOSSES, 0.5)))
        self.assertTrue(torch.allclose(log_var.grad, 0.5 - 0.5 * LOSSES))

    def test_weights_are_the_scalars_derivative(self):
        losses = LOSSES.clone().requires_grad_()
        Balancing("geometric_mean").scalarize(losses).backward()
        self.assertTrue(torch.allclose(Balancing("geometric_mean").weights(LOSSES), losses.grad))

    def test_parameters_are_trained_by_a_torch_optimizer(self):
        method = Balancing("uncertainty_weighting")
        self.assertEqual(method.parameters(), [])
        method.prepare(3)
        optimizer = torch.optim.SGD(method.parameters(), lr=0.5)
        for _ in range(200):
            optimizer.zero_grad()
            method.scalarize(LOSSES).backward()
            optimizer.step()
        # At the minimum exp(s) is the loss.
        self.assertTrue(torch.allclose(method.state()["log_var"].exp(), LOSSES, atol=1e-3))

    def test_learns_from_the_losses_after_the_update(self):
        method = Balancing("famo", {"lr": 0.1})
        self.assertTrue(method.wants_losses_after())
        before = method.weights(LOSSES) * LOSSES
        method.observe_after(LOSSES * torch.tensor([0.5, 1.0, 1.0]))
        after = method.weights(LOSSES) * LOSSES
        # The loss that fell gets less.
        self.assertLess(after[0] / after[1], before[0] / before[1])

    def test_counts_epochs(self):
        method = Balancing("dwa")
        for losses in (LOSSES, LOSSES * torch.tensor([0.1, 1.0, 1.0])):
            method.weights(losses)
            method.end_epoch()
        weights = method.weights(LOSSES)
        self.assertLess(weights[0], weights[1])


class MethodOfAGramian(unittest.TestCase):
    def test_weights_combine_the_rows_to_the_direction(self):
        weights = Balancing("pcgrad").weights(JACOBIAN @ JACOBIAN.T)
        direction = Balancing("pcgrad").direction(JACOBIAN)
        self.assertTrue(torch.allclose(weights @ JACOBIAN, direction))

    def test_keeps_dtype(self):
        self.assertEqual(Balancing("pcgrad").weights(torch.eye(2)).dtype, torch.float32)

    def test_repeats_its_weights_where_it_wants_no_gradients(self):
        method = Balancing("every_k_steps", {"method": "pcgrad", "k": 2})
        self.assertTrue(method.wants_gradients())
        weights = method.weights(JACOBIAN @ JACOBIAN.T)
        self.assertFalse(method.wants_gradients())
        self.assertTrue(torch.equal(method.repeat(), weights))
        self.assertTrue(torch.equal(method.last_weights(), weights))
        self.assertTrue(method.wants_gradients())

    def test_takes_an_order_in_place_of_random_numbers(self):
        order = torch.tensor([[0, 1, 2]] * 3)
        gramian = JACOBIAN @ JACOBIAN.T
        first = Balancing("pcgrad").weights(gramian, {"permutations": order})
        self.assertTrue(torch.equal(Balancing("pcgrad").weights(gramian, {"permutations": order}), first))

    @unittest.skipUnless(torch.cuda.is_available(), "there is no CUDA device")
    def test_answers_on_the_device_that_it_was_asked_on(self):
        self.assertEqual(Balancing("pcgrad").weights(torch.eye(2, device="cuda")).device.type, "cuda")
        method = Balancing("moco")
        extras = {"losses": LOSSES.cuda()}
        direction = method.direction(JACOBIAN.cuda(), extras)
        self.assertEqual(direction.device.type, "cuda")
        method.to(torch.device("cpu"))
        method.direction(JACOBIAN, {"losses": LOSSES})


class Errors(unittest.TestCase):
    def test_say_which_call_a_method_has(self):
        with self.assertRaisesRegex(ValueError, r"config: has no weights: it reads a Jacobian; call direction\(jac"):
            Balancing("config").weights(torch.eye(2))
        with self.assertRaisesRegex(ValueError, r"pcgrad: has no scalarize: it reads a Gramian; call weights\(gram"):
            Balancing("pcgrad").scalarize(LOSSES)
        with self.assertRaisesRegex(ValueError, r"mean: has no repeat: it reads losses; call scalarize\(losses"):
            Balancing("mean").repeat()

    def test_say_which_shape_was_expected(self):
        with self.assertRaisesRegex(ValueError, r"pcgrad: expected a square matrix \[T, T\], but got \[2, 3\]"):
            Balancing("pcgrad").weights(torch.ones(2, 3))
        with self.assertRaisesRegex(ValueError, r"mean: expected floating-point losses \[T\], but got"):
            Balancing("mean").scalarize(torch.ones(2, 2))

    def test_a_state_of_another_number_of_tasks_changes_nothing(self):
        two, three = Balancing("imtl_l"), Balancing("imtl_l")
        two.weights(LOSSES[:2])
        three.weights(LOSSES)
        with self.assertRaisesRegex(ValueError, "imtl_l: expected a state of 3 tasks, but got one of 2"):
            three.load_state(two.state())
        three.weights(LOSSES)


class Solvers(unittest.TestCase):
    def test_min_norm_point_is_the_shortest_vector_of_the_hull(self):
        weights = ops.min_norm_point(torch.tensor([[1.0, 0.0], [0.0, 4.0]]))
        self.assertEqual(weights.dtype, torch.float32)
        self.assertTrue(torch.allclose(weights, torch.tensor([0.8, 0.2])))

    def test_dual_cone_projection_harms_no_row(self):
        gramian = JACOBIAN @ JACOBIAN.T
        u = torch.tensor([0.1, 0.1, 5.0], dtype=torch.float64)
        weights = ops.dual_cone_projection(gramian, u)
        self.assertTrue((weights >= u).all())
        self.assertTrue((gramian @ weights >= -1e-12).all())

    def test_simplex_projection_sums_to_one(self):
        point = ops.simplex_projection(torch.tensor([0.3, 2.0, -1.0], dtype=torch.float64))
        self.assertTrue(torch.equal(point, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)))

    def test_check_what_they_get(self):
        for said, call in (
                ("min_norm_point: expected a Gramian, symmetric", lambda: ops.min_norm_point(JACOBIAN[:, :3])),
                (r"min_norm_point: expected a Gramian \[T, T\]", lambda: ops.min_norm_point(JACOBIAN)),
                ("expected u of 2 values, but got 3", lambda: ops.dual_cone_projection(torch.eye(2), torch.ones(3))),
                ("simplex_projection: expected finite", lambda: ops.simplex_projection(torch.tensor([torch.nan]))),
                ("expected floating-point values of 1 dim", lambda: ops.simplex_projection(torch.eye(2)))):
            with self.subTest(said), self.assertRaisesRegex(ValueError, said):
                call()


class Values(unittest.TestCase):
    def check_folder(self, folder):
        for path in sorted(folder.glob("*.json")):
            # A bilevel method moves a model, which is C++'s.
            if path.stem not in NAMES or made(path.stem).reads() == "bilevel":
                continue
            with self.subTest(path.stem):
                cases, failures = golden.check_file(path, Balancing)
                self.assertGreater(cases, 0)
                self.assertEqual(failures, [])

    def test_of_other_implementations_are_reproduced(self):
        self.check_folder(pathlib.Path(source) / "tests/balancing/values")

    def test_of_whole_files_are_reproduced(self):
        folder = pathlib.Path(golden_folder[0] if golden_folder else "")
        if not golden_folder or not folder.is_dir():
            self.skipTest("there are no whole files")
        self.check_folder(folder)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
