# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Balancing methods of multi-task learning for a PyTorch loop. Loads the library beside this file, or the one that the
environment variable POLYTASK_LIBRARY names."""
import math
import os
import pathlib

import torch
from torch.autograd import grad

torch.ops.load_library(os.environ.get("POLYTASK_LIBRARY") or pathlib.Path(__file__).with_name("libpolytask_python.so"))


def Balancing(name, /, **options):
    """A method by its name: `Balancing("cagrad", c=0.4)`."""
    return torch.classes.polytask.Balancing(name, options)


def mtl_backward(losses, shared_parameters, method, features=None, tasks_parameters=None):
    """In place of `sum(losses).backward()`: adds to `.grad`, with the tasks weighed against each other.

    The shared parameters get the method's update of the T gradients; every other leaf that the losses reach gets each
    task's own gradient, times its weight with a method that reads losses. What such a method learns, its
    `parameters()`, gets its gradients too.

    losses: T scalars with their graph. features: the tensor, or tensors, through which the losses reach the shared
    parameters: each task's backward then ends there, and those below are taken together where that is faster.
    tasks_parameters: for each task, which of all others get a gradient; if not given, all do.

    Costs one backward with a method that reads losses, and with others T and one that ends above what is shared; these
    keep the shared part of the graph for as long as the losses are kept. Returns the weights [T], or None with a method
    whose update has none. Raises ValueError, with no gradient changed, on what it cannot take.
    """
    losses, shared = list(losses), [p for p in dict.fromkeys(shared_parameters) if p.requires_grad]
    values = _checked(losses, shared, method)
    is_listed = tasks_parameters is not None
    others = [p for own in tasks_parameters for p in own if p.requires_grad] if is_listed else None
    if method.reads() == "losses":
        stacked = torch.stack([loss.reshape(()) for loss in losses])
        stacked.retain_grad()
        method.scalarize(stacked).backward(
            inputs=[*dict.fromkeys([*shared, *others, *method.parameters()])] if is_listed else None)
        return stacked.grad
    others, known = dict.fromkeys(others if is_listed else _walk(map(_edge, losses))[0]), set(shared)
    others = [leaf for leaf in others if leaf not in known]
    if method.wants_gradients():
        features = [features] if isinstance(features, torch.Tensor) else features or ()
        blocks = _jacobian(losses, [f for f in dict.fromkeys(features) if f.requires_grad], shared)
        weights, update = _update(method, values, blocks, shared)
    else:
        weights = method.repeat().to(values)
        cotangents = [weight.expand_as(loss) for weight, loss in zip(weights, losses)]
        update = grad(losses, shared, cotangents, retain_graph=True, allow_unused=True)
    if others:
        torch.autograd.backward(losses, inputs=others)
    with torch.no_grad():
        for parameter, part in zip(shared, update):
            if part is not None:
                parameter.grad = part if parameter.grad is None else parameter.grad.add_(part)
    return weights


def _update(method, values, blocks, shared):
    """The weights and, by shared parameter, the update of a Jacobian's blocks [T, ...]."""
    there = [block.flatten(1) for block in blocks if block is not None]
    _expect(there, "no loss reaches any of the shared parameters")
    extras = {"losses": values}
    if method.reads() == "gramian":
        wide = torch.promote_types(there[0].dtype, torch.float32)
        weights = method.weights(sum(rows @ rows.T for rows in (block.to(wide) for block in there)), extras)
        parts = [weights.to(block) @ block for block in there]
    else:
        weights, sizes = None, [p.numel() for p in shared]
        extras["parameter_sizes"] = torch.tensor(sizes)
        columns = [p.new_zeros(len(values), p.numel()) if block is None else block.flatten(1)
                   for block, p in zip(blocks, shared)]
        direction = method.direction(torch.cat(columns, 1), extras)
        parts = [part for part, block in zip(direction.split(sizes), blocks) if block is not None]
    parts = iter(parts)
    return weights, [None if block is None else next(parts).view_as(p) for block, p in zip(blocks, shared)]


def _jacobian(losses, features, shared):
    """The gradients of T losses for each shared parameter, [T, ...]; None where no loss reaches it."""
    ends = {_edge(feature) for feature in features}
    below = [edge for node, _ in ends for edge in node.next_functions]
    if features and (not set(shared).isdisjoint(_walk(map(_edge, losses), ends)[0]) or _walk(below, ends)[1]):
        features = []  # as some gradient would pass beside them, or through two of them
    blocks = _stacked([grad(loss, features or shared, retain_graph=True, allow_unused=True) for loss in losses],
                      features or shared)
    reached = [pair for pair in zip(features, blocks) if pair[1] is not None]
    if not reached:
        return blocks
    roots, cotangents = zip(*reached)
    # On a CPU, all at once pays where calls cost more than what they compute.
    is_small = all(root.numel() <= 1 << 14 for root in roots) and all(p.dim() <= 2 for p in shared)
    if is_small or roots[0].device.type != "cpu":
        try:
            return grad(roots, shared, cotangents, retain_graph=True, is_grads_batched=True, allow_unused=True)
        except Exception:
            pass  # of an operator that takes no batch; any other comes again
    rows = [grad(roots, shared, row, retain_graph=True, allow_unused=True) for row in zip(*cotangents)]
    return _stacked(rows, shared)


def _stacked(rows, inputs):
    blocks = []
    for column, like in zip(zip(*rows), inputs):
        there = [gradient for gradient in column if gradient is not None]
        _expect(all(g.layout == torch.strided for g in there), "a shared parameter has a sparse gradient")
        blocks.append(torch.stack([torch.zeros_like(like) if g is None else g for g in column]) if there else None)
    return blocks


def _edge(tensor):
    return tuple(torch.autograd.graph.get_gradient_edge(tensor)[:2])


def _walk(edges, ends=()):
    """The leaves that a backward along these edges reaches before any of `ends`, and whether it meets one."""
    leaves, nodes, following, has_met = [], set(), list(edges), False
    while following:
        edge = following.pop()
        node = edge[0]
        has_met |= edge in ends
        if edge not in ends and node is not None and node not in nodes:
            nodes.add(node)
            following += node.next_functions
            if hasattr(node, "variable"):
                leaves.append(node.variable)
    return leaves, has_met


def _checked(losses, shared, method):
    """The losses' values [T]."""
    _expect(torch.is_grad_enabled(), "gradients are switched off")
    _expect(losses, "expected at least one loss")
    for i, loss in enumerate(losses):
        _expect(loss.numel() == 1 and loss.is_floating_point(),
                f"expected loss {i} to be one floating-point value, but got {loss.dtype} {list(loss.shape)}")
        _expect(loss.requires_grad, f"loss {i} has no graph; it requires no gradient")
    for name, tensors in (("losses", losses), ("shared parameters", shared)):
        kinds = {(tensor.dtype, tensor.device) for tensor in tensors}
        _expect(len(kinds) <= 1, f"expected {name} of one dtype and device, but got {kinds}")
    _expect(all(p.is_leaf for p in shared), "a shared parameter is no leaf of the graph")
    _expect(method.reads() != "bilevel" and method.batches() == 1,
            f"the balancing '{method.name()}' needs several batches for each step, which the C++ library gives it")
    _expect(not method.wants_representation(),
            f"the balancing '{method.name()}' is one of gradients for a representation; call its direction()")
    _expect(shared or method.reads() == "losses",
            f"the balancing '{method.name()}' weighs gradients for shared parameters, but got none that is trained")
    values = torch.stack([loss.detach().reshape(()) for loss in losses])
    for i, value in enumerate(values.tolist() if values.device.type == "cpu" else ()):
        _expect(math.isfinite(value), f"loss {i} is {value}")
    return values


def _expect(condition, otherwise):
    if not condition:
        raise ValueError(f"mtl_backward: {otherwise}.")
