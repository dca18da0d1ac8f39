# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The mixtures of experts of benchmarks/mixtures.cpp: their parameters, and a forward on stacked layers.

PyTorch and JAX bring the operations: relu, softmax of the last dimension, einsum, and linear(state, weights
[N, outputs, inputs], biases [N, outputs]), which gives [N, B, outputs] of one state [B, inputs] or of one for each
layer [N, B, inputs]. Experts first was the quickest of the stacked layouts tried for MMoE, in PyTorch and in JAX.
"""
TASKS, INPUTS, WIDTH, TOWER = 4, 64, 128, 64
EXPERTS, SHARED = 8, 4  # of CGC's and PLE's experts the last are each task's own
KINDS = ["MMoE", "CGC", "PLE"]


def blocks(kind):
    """How many times, and which layers (name, outputs, inputs), in the order of the flat parameters."""
    columns = EXPERTS if kind == "MMoE" else 1 + SHARED  # a task's own expert, then the shared ones
    found = [(EXPERTS, [("experts", WIDTH, INPUTS)]), (TASKS, [("gates", columns, INPUTS)])]
    if kind == "PLE":
        found += [(1, [("shared gate", EXPERTS, INPUTS)]),  # the tasks' own experts first
                  (EXPERTS, [("upper experts", WIDTH, WIDTH)]), (TASKS, [("upper gates", columns, WIDTH)])]
    return found + [(TASKS, [("towers", TOWER, WIDTH), ("heads", 1, TOWER)])]


def layers(kind):
    """(outputs, inputs) of all layers, one after the other."""
    return [layer[1:] for count, block in blocks(kind) for _ in range(count) for layer in block]


def split(kind, flat):
    """The parameters by name: "w experts" [count, outputs, inputs] and "b experts" [count, outputs]."""
    named = {}
    for count, block in blocks(kind):
        size = sum(outputs * (inputs + 1) for _, outputs, inputs in block)
        rows, flat = flat[:count * size].reshape(count, size), flat[count * size:]
        for name, outputs, inputs in block:
            end = outputs * inputs
            named["w " + name] = rows[:, :end].reshape(count, outputs, inputs)
            named["b " + name], rows = rows[:, end:end + outputs], rows[:, end + outputs:]
    return named


def join(kind, named):
    """The inverse of split."""
    import numpy as np
    return np.concatenate([
        np.concatenate([np.reshape(named[letter + name], (count, -1)) for name, *_ in block for letter in ("w ", "b ")],
                       axis=1).ravel()
        for count, block in blocks(kind)])


def predict(ops, p, x):
    """[B, T], of named parameters and the input [B, INPUTS]."""
    def layer(name, state, part=slice(None)):
        return ops.linear(state, p["w " + name][part], p["b " + name][part])

    def mixed(gates, states, own, shared):
        shares = ops.softmax(layer(gates, states))
        return shares[:, :, :1] * own + ops.einsum("tbe,ebw->tbw", shares[:, :, 1:], shared)

    common, single = slice(SHARED), slice(SHARED, None)
    experts = ops.relu(layer("experts", x))
    if p["w gates"].shape[1] == EXPERTS:
        states = ops.einsum("tbe,ebw->tbw", ops.softmax(layer("gates", x)), experts)
    else:
        shared, own = experts[common], experts[single]
        states = mixed("gates", x, own, shared)
    if "w shared gate" in p:
        shares = ops.softmax(layer("shared gate", x))[0]
        state = (ops.einsum("be,ebw->bw", shares[:, :TASKS], own)
                 + ops.einsum("be,ebw->bw", shares[:, TASKS:], shared))
        states = mixed("upper gates", states, ops.relu(layer("upper experts", states, single)),
                       ops.relu(layer("upper experts", state, common)))
    return layer("heads", ops.relu(layer("towers", states)))[:, :, 0].T
