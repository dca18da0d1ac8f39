# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The values of other people's implementations, through the Python class.

The rule is that of tests/support/golden.h, but for an answer that is neither the
reference's nor the optimum: this does not look whether it is as good.
"""
import copy
import json

import torch

NO_INPUTS = {"name", "hyperparameters", "expected", "tolerance", "optimum", "also_accept",
             "reference_answer", "omitted", "notes", "gramian_rank", "equal_projections",
             "optimum_method", "optimum_deviation_of_reference"}
TRAINED = {"log_var", "log_scale", "loss_scale"}
# In these files, `weights` are not those of the rows.
INNER_WEIGHTS = {"cagrad_libmtl", "mgda_libmtl", "imtl_libmtl"}


def tensor(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def options_of(*holders):
    """A remark in place of a value, as in "one per task", is left out."""
    options = {}
    for holder in holders:
        for name, value in holder.get("hyperparameters", {}).items():
            options.pop(name, None)
            if isinstance(value, list):
                options[name] = [float(number) for number in value]
            elif not (value is None or isinstance(value, str) and " " in value):
                options[name] = value
    return options


def with_reference_constants(method, options):
    """What the references add and their files do not name."""
    if method == "sdmgrad":
        return {"eps": 1e-8, **options}
    if method == "krum":
        return {"squared": False, **options}
    if method == "cr_mogm" and "inner" in options:
        return {"norm_eps": 1e-4, "reg_eps": 1e-4, **options}
    return options


def loss_step(method, extras):
    if "batches" in extras:
        values, first = [], None
        for losses in extras["batches"]:
            leaf = losses.clone().requires_grad_()
            value = method.scalarize(leaf)
            values.append(value.detach())
            first = torch.autograd.grad(value, leaf)[0] if first is None else first
        method.end_epoch()
        return {"values": torch.stack(values), "loss_gradient": first}
    if "epoch_losses" in extras:
        weights = []
        for losses in extras["epoch_losses"].unbind(1):
            weights.append(method.weights(losses))
            method.end_epoch()
        return {"weights": torch.stack(weights)}
    if "jacobian" in extras:
        jacobian = extras.pop("jacobian")
        twin = copy.deepcopy(method)
        ones = torch.eye(len(jacobian), dtype=torch.float64)
        return {"weights": twin.direction(ones, extras), "gradient": method.direction(jacobian, extras)}
    losses = extras.pop("losses").requires_grad_()
    after = extras.pop("losses_after", None)
    inputs = [losses] + [extras[name].requires_grad_() for name in extras if name in TRAINED]
    value = method.scalarize(losses, extras)
    gradients = torch.autograd.grad(value, inputs)
    outputs = {"value": value.detach(), "loss_gradient": gradients[0], "weights": gradients[0]}
    if len(gradients) > 1:
        outputs["parameter_gradient"] = gradients[1]
    if after is not None:
        method.observe_after(after)
    return outputs


def step_of(method, step):
    extras = {name: tensor(value) for name, value in step.items()
              if name not in NO_INPUTS and isinstance(value, (int, float, list))}
    if method.reads() == "losses":
        return loss_step(method, extras)
    if "jacobian_3" in extras:
        jacobian = extras["jacobian_3"]
    elif "inner_weights" in extras:
        jacobian = torch.eye(len(extras["inner_weights"]), dtype=torch.float64)
    else:
        jacobian = extras.pop("jacobian" if "jacobian" in extras else "representation_gradients")
    gradient = method.direction(jacobian, extras)
    outputs = {"gradient": gradient, "representation_gradient": gradient}
    if method.reads() == "gramian":
        outputs["weights"] = method.last_weights()
    return outputs


def refusal(method, answer, outputs, tolerance, only=None):
    """Why an answer is another one; empty if all that there is to compare agrees."""
    fields = [name for name, value in answer.items()
              if isinstance(value, (int, float, list)) and name in outputs and (only is None or name in only)
              and not (name == "weights" and method in INNER_WEIGHTS)]
    if not fields:
        return "nothing to compare"
    for field in fields:
        expected, actual = tensor(answer[field]).flatten(), outputs[field].flatten()
        rtol, atol = tolerance(field)
        if actual.shape != expected.shape:
            return f"{field} has the shape {list(outputs[field].shape)}"
        allowed = atol + rtol * (expected.abs().max().item() if len(expected) else 0)
        apart = (actual - expected).abs().max().item() if len(expected) else 0
        if not apart <= allowed:
            return f"{field} is off by {apart:.2e}, allowed are {allowed:.2e}"
    return ""


def tolerance_in(holder, otherwise):
    def tolerance(field):
        found = holder.get("tolerance")
        if not found:
            return otherwise(field)
        found = found.get("fields", {}).get(field, found)
        return found["rtol"], found["atol"]
    return tolerance


def step_refusal(method, case, step, outputs):
    of_case = tolerance_in(case, lambda field: (1e-6, 1e-9))
    first = refusal(method, step["expected"], outputs, of_case)
    if not first:
        return ""
    optimum = step.get("optimum")
    if optimum:
        of_optimum = tolerance_in(optimum, lambda field: (1e-6, of_case(field)[1]))
        if not refusal(method, optimum, outputs, of_optimum, {"weights", "gradient"}):
            return ""
    for other in step.get("also_accept", []):
        if not refusal(method, other, outputs, lambda field: (1e-6, 1e-9)):
            return ""
    return first


def check_file(path, make):
    """How many cases there are and what is wrong with which."""
    file = json.loads(path.read_text())
    failures = []
    for case in file["cases"]:
        method = make(file["method"], with_reference_constants(file["method"], options_of(file, case)))
        for number, step in enumerate(case.get("sequence", [case])):
            said = step_refusal(file["method"], case, step, step_of(method, step))
            if said:
                failures.append(f"{case['name']}, step {number}: {said}")
                break
    return len(file["cases"]), failures
