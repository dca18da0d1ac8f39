# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Writes values.json: what scikit-learn, scipy and torchmetrics say.

pip install scikit-learn scipy torch torchmetrics
python tests/task/metrics/values.py

All numbers are multiples of 1/64 below 16, which half precision holds too, but
for the target of "far"; so the values hold for outputs of any precision.
Made with scikit-learn 1.9.1, scipy 1.17.1 and torchmetrics 1.9.0.
"""

import json
import pathlib
import warnings

import numpy as np
import scipy.special
import scipy.stats
import torch
import torchmetrics.functional as tm
from sklearn import metrics as sk

rng = np.random.default_rng(7)
ROWS = 48


def grid(values, low=-8.0, high=8.0):
    return np.clip(np.round(np.asarray(values) * 64) / 64, low, high)


def regression(*shape, mean=0.0):
    target = grid(rng.normal(size=shape) * 2) + mean
    return grid(0.7 * (target - mean) + rng.normal(size=shape)) + mean, target


def binary(*shape):
    target = (rng.random(shape) < 0.4).astype(float)
    # Coarse, so that many scores are equal.
    score = np.round((rng.normal(size=shape) + target) * 4) / 4
    return grid(score), target


def classes(count, *shape):
    target = rng.integers(0, count, shape)
    score = rng.normal(size=(shape[0], count, *shape[1:]))
    np.put_along_axis(
        score,
        np.expand_dims(target, 1),
        np.take_along_axis(score, np.expand_dims(target, 1), 1) + 1,
        1,
    )
    return grid(score), target


def probabilities(count, rows):
    parts = rng.multinomial(64 - count, rng.dirichlet(np.ones(count), rows)[0], rows)
    return (parts + 1) / 64


def depths():
    target = grid(rng.uniform(0.5, 7, (8, 1, 2, 3)))
    output = grid(target * rng.uniform(0.6, 1.6, target.shape), 0.1)
    target[1, 0, 0, 1] = 0
    target[5, 0, 1, 2] = 0
    return output, target


def normals():
    target = grid(rng.normal(size=(8, 3, 2, 3)))
    output = grid(target + 0.4 * rng.normal(size=target.shape))
    target[2, :, 1, 1] = 0
    return output, target


DATA = {
    "vector": regression(ROWS),
    "columns": regression(ROWS, 3),
    "far": regression(ROWS, 2, mean=1e6),
    "binary": binary(ROWS),
    "labels": binary(ROWS, 3),
    "binary_p": (grid(rng.integers(1, 64, ROWS) / 64), binary(ROWS)[1]),
    "classes": classes(7, ROWS),
    "classes_p": (probabilities(4, ROWS), rng.integers(0, 4, ROWS)),
    "image": classes(4, 8, 2, 3),
    "depth": depths(),
    "normals": normals(),
}
TRAIN_MEANS = [0.5, -0.25, 0.125]
SCALE, SHIFT = [2.0, 0.5, 3.0], [1.0, -1.0, 0.25]


def missing_of(target):
    """Some labels, and those of some rows whole."""
    mask = rng.random(target.shape) < 0.2
    mask[3] = True
    return mask


# Each function gets what is left of one column or of all labels: outputs,
# targets and weights, which are 1 D, or [n, C] for scores of classes.


def all_labels(function):
    def value(output, target, weights, missing):
        there = ~missing
        weights = np.broadcast_to(
            weights.reshape(-1, *[1] * (target.ndim - 1)), target.shape
        )
        if output.ndim > target.ndim:
            output = np.moveaxis(output, 1, -1)
        return function(output[there], target[there], weights[there])

    return value


def each_column(function):
    def value(output, target, weights, missing):
        columns = [a.reshape(ROWS, -1) for a in (output, target, missing)]
        return np.mean(
            [
                function(o[~m], t[~m], weights[~m])
                for o, t, m in zip(*[a.T for a in columns])
            ]
        )

    return value


def per_row_columns(function):
    """The function gets the number of the column, too."""

    def value(output, target, weights, missing):
        return np.mean(
            [
                function(i, output[~m, i], target[~m, i], weights[~m])
                for i, m in enumerate(missing.T)
            ]
        )

    return value


def weighted_pearson(o, t, w):
    covariance = np.cov(o, t, aweights=w)
    return covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])


def relative_rmse(i, o, t, w):
    return np.sqrt(np.sum(w * (t - o) ** 2) / np.sum(w * (t - TRAIN_MEANS[i]) ** 2))


def top_k(o, t, w, k):
    # scikit-learn takes the last of equal scores first.
    best = np.argsort(-o, axis=1, kind="stable")[:, :k]
    return np.average((best == t[:, None]).any(1), weights=w)


def softmax(o):
    return scipy.special.softmax(o, axis=1)


def calibration_error(bins):
    def value(confidence, right, weights):
        edges = np.linspace(0, 1, bins + 1)
        place = np.minimum(np.digitize(confidence, edges) - 1, bins - 1)
        return sum(
            abs(np.sum((weights * (right - confidence))[place == b]))
            for b in range(bins)
        ) / np.sum(weights)

    return value


def angles(o, t):
    cross = np.linalg.norm(np.cross(o, t, axis=-1), axis=-1)
    return np.degrees(np.arctan2(cross, np.sum(o * t, -1)))


def of_angles(function):
    def value(output, target, weights, missing):
        output, target = np.moveaxis(output, 1, -1), np.moveaxis(target, 1, -1)
        there = ~missing.any(1) & (target != 0).any(-1)
        weights = np.broadcast_to(weights[:, None, None], there.shape)[there]
        return function(angles(output[there], target[there]), weights)

    return value


def weighted_median(values, weights):
    # Of rows that are repeated; all weights are multiples of 1/2.
    return np.median(np.repeat(values, (2 * weights).astype(int)))


def of_depths(function):
    def value(o, t, w):
        there = t > 0
        return np.average(function(o[there], t[there]), weights=w[there])

    return all_labels(value)


def f_score(function, **options):
    return lambda o, t, w: function(
        t, o.argmax(1), sample_weight=w, zero_division=0, **options
    )


def f_binary(function):
    return lambda o, t, w: function(t, o > 0, sample_weight=w, zero_division=0)


def micro_f1(output, target, weights, missing):
    weights = np.broadcast_to(weights[:, None], target.shape)[~missing]
    return sk.f1_score(target[~missing], output[~missing] > 0, sample_weight=weights)


def rescaled(function):
    return lambda o, t, w, m: function(
        o * SCALE + SHIFT, t * SCALE + SHIFT, w, m
    )


mse = all_labels(lambda o, t, w: sk.mean_squared_error(t, o, sample_weight=w))
r2 = each_column(lambda o, t, w: sk.r2_score(t, o, sample_weight=w))
explained = each_column(
    lambda o, t, w: sk.explained_variance_score(t, o, sample_weight=w)
)
pearson = each_column(weighted_pearson)
auc = each_column(lambda o, t, w: sk.roc_auc_score(t, o, sample_weight=w))
precision = each_column(
    lambda o, t, w: sk.average_precision_score(t, o, sample_weight=w)
)

CASES = [
    ("mse", "columns", mse),
    ("rmse", "vector", lambda *a: np.sqrt(mse(*a))),
    ("rmse", "far", lambda *a: np.sqrt(mse(*a))),
    (
        "mae",
        "columns",
        all_labels(lambda o, t, w: sk.mean_absolute_error(t, o, sample_weight=w)),
    ),
    ("relative_rmse", "columns", per_row_columns(relative_rmse)),
    ("r2", "vector", r2),
    ("r2", "columns", r2),
    ("r2", "far", r2),
    ("explained_variance", "columns", explained),
    ("explained_variance", "far", explained),
    ("pearson", "vector", pearson),
    ("pearson", "columns", pearson),
    ("pearson", "far", pearson),
    ("spearman", "columns", each_column(lambda o, t, w: scipy.stats.spearmanr(o, t)[0])),
    ("spearman", "far", each_column(lambda o, t, w: scipy.stats.spearmanr(o, t)[0])),
    (
        "accuracy",
        "labels",
        all_labels(lambda o, t, w: sk.accuracy_score(t, o > 0, sample_weight=w)),
    ),
    (
        "accuracy_p",
        "binary_p",
        all_labels(lambda o, t, w: sk.accuracy_score(t, o > 0.5, sample_weight=w)),
    ),
    (
        "accuracy",
        "classes",
        all_labels(lambda o, t, w: sk.accuracy_score(t, o.argmax(1), sample_weight=w)),
    ),
    ("top_5", "classes", all_labels(lambda o, t, w: top_k(o, t, w, 5))),
    (
        "balanced_accuracy",
        "classes",
        all_labels(
            lambda o, t, w: sk.balanced_accuracy_score(t, o.argmax(1), sample_weight=w)
        ),
    ),
    (
        "balanced_accuracy",
        "labels",
        each_column(
            lambda o, t, w: sk.balanced_accuracy_score(t, o > 0, sample_weight=w)
        ),
    ),
    ("precision", "binary", each_column(f_binary(sk.precision_score))),
    ("recall", "labels", each_column(f_binary(sk.recall_score))),
    ("f1", "labels", each_column(f_binary(sk.f1_score))),
    ("f1_micro", "labels", micro_f1),
    ("precision", "classes", all_labels(f_score(sk.precision_score, average="macro"))),
    ("recall", "classes", all_labels(f_score(sk.recall_score, average="macro"))),
    ("f1", "classes", all_labels(f_score(sk.f1_score, average="macro"))),
    ("f1_micro", "classes", all_labels(f_score(sk.f1_score, average="micro"))),
    (
        "f1[2]",
        "classes",
        all_labels(
            lambda *a: f_score(sk.f1_score, average=None, labels=range(7))(*a)[2]
        ),
    ),
    ("auc", "binary", auc),
    ("auc", "labels", auc),
    (
        "auc",
        "classes",
        all_labels(
            lambda o, t, w: np.mean(
                [
                    sk.roc_auc_score(t == c, softmax(o)[:, c], sample_weight=w)
                    for c in range(7)
                ]
            )
        ),
    ),
    (
        "auc_p",
        "classes_p",
        all_labels(
            lambda o, t, w: np.mean(
                [
                    sk.roc_auc_score(t == c, o[:, c], sample_weight=w)
                    for c in range(4)
                ]
            )
        ),
    ),
    ("average_precision", "binary", precision),
    ("average_precision", "labels", precision),
    (
        "log_loss",
        "labels",
        all_labels(
            lambda o, t, w: sk.log_loss(t, scipy.special.expit(o), sample_weight=w)
        ),
    ),
    ("log_loss_p", "binary_p", all_labels(lambda o, t, w: sk.log_loss(t, o, sample_weight=w))),
    (
        "log_loss",
        "classes",
        all_labels(
            lambda o, t, w: sk.log_loss(t, softmax(o), sample_weight=w, labels=range(7))
        ),
    ),
    (
        "log_loss_p",
        "classes_p",
        all_labels(lambda o, t, w: sk.log_loss(t, o, sample_weight=w, labels=range(4))),
    ),
    (
        "brier",
        "labels",
        all_labels(
            lambda o, t, w: sk.brier_score_loss(
                t, scipy.special.expit(o), sample_weight=w
            )
        ),
    ),
    (
        "brier_p",
        "classes_p",
        all_labels(
            lambda o, t, w: sk.brier_score_loss(t, o, sample_weight=w, labels=range(4))
        ),
    ),
    (
        "ece",
        "classes",
        all_labels(
            lambda o, t, w: calibration_error(15)(
                softmax(o).max(1), o.argmax(1) == t, w
            )
        ),
    ),
    (
        "ece",
        "labels",
        all_labels(
            lambda o, t, w: calibration_error(15)(scipy.special.expit(o), t, w)
        ),
    ),
    ("ece_p_10", "binary_p", all_labels(calibration_error(10))),
    (
        "mean_iou",
        "image",
        all_labels(
            lambda o, t, w: sk.jaccard_score(
                t, o.argmax(1), average="macro", sample_weight=w
            )
        ),
    ),
    (
        "pixel_accuracy",
        "image",
        all_labels(lambda o, t, w: sk.accuracy_score(t, o.argmax(1), sample_weight=w)),
    ),
    ("abs_err", "depth", of_depths(lambda o, t: abs(o - t))),
    ("rel_err", "depth", of_depths(lambda o, t: abs(o - t) / t)),
    ("delta_1", "depth", of_depths(lambda o, t: np.maximum(o / t, t / o) < 1.25)),
    ("angle_mean", "normals", of_angles(lambda a, w: np.average(a, weights=w))),
    ("angle_median", "normals", of_angles(weighted_median)),
    (
        "within_11.25",
        "normals",
        of_angles(lambda a, w: np.average(a < 11.25, weights=w)),
    ),
    ("rescaled_mse", "columns", rescaled(mse)),
    ("function_mae", "vector", all_labels(lambda o, t, w: np.average(abs(o - t), weights=w))),
]


def check_against_torchmetrics():
    """Of what scikit-learn has not."""
    output, target = (torch.tensor(a) for a in DATA["classes"])
    ours = calibration_error(15)(
        softmax(output.numpy()).max(1), (output.argmax(1) == target).numpy(), 1.0 + 0 * target.numpy()
    )
    theirs = tm.calibration_error(
        output.softmax(1), target, "multiclass", n_bins=15, num_classes=7
    )
    assert abs(ours - theirs.item()) < 1e-6, (ours, theirs)
    output, target = (torch.tensor(a) for a in DATA["labels"])
    ours = calibration_error(15)(
        output.sigmoid().flatten().numpy(), target.flatten().numpy(), np.ones(target.numel())
    )
    theirs = tm.calibration_error(
        output.sigmoid().flatten(), target.flatten().long(), "binary", n_bins=15
    )
    assert abs(ours - theirs.item()) < 1e-6, (ours, theirs)
    output, target = (torch.tensor(a) for a in DATA["columns"])
    theirs = tm.pearson_corrcoef(output, target).mean()
    assert abs(pearson(output.numpy(), target.numpy(), np.ones(ROWS), np.zeros(target.shape, bool)) - theirs.item()) < 1e-9


def main():
    warnings.simplefilter("error")
    check_against_torchmetrics()
    data, cases = {}, []
    for name, (output, target) in DATA.items():
        data[name] = {
            "output": output.tolist(),
            "target": target.tolist(),
            "missing": missing_of(target).astype(int).tolist(),
            # Some rows count nothing.
            "weights": (rng.integers(0, 6, len(target)) / 2).tolist(),
        }
    for metric, name, function in CASES:
        of = {key: np.asarray(value) for key, value in data[name].items()}
        nothing = np.zeros(of["target"].shape, bool)
        ones = np.ones(len(of["target"]))
        left_out = of["missing"].astype(bool)
        values = {
            "plain": (ones, nothing),
            "missing": (ones, left_out),
        }
        if metric != "spearman":
            values["weighted"] = (of["weights"], nothing)
            values["both"] = (of["weights"], left_out)
        cases.append(
            {
                "metric": metric,
                "data": name,
                "values": {
                    key: float(function(of["output"], of["target"], *each))
                    for key, each in values.items()
                },
            }
        )
    path = pathlib.Path(__file__).with_suffix(".json")
    rows = ",\n".join(json.dumps(case) for case in cases)
    sets = ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in data.items())
    path.write_text(f'{{"data": {{\n{sets}\n}}, "cases": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
