// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <polytask/core/labels.h>

// What all metrics do with the rows that they are given. Nothing here waits for
// an accelerator, and all of it is on a device that has doubles.
namespace polytask::detail {

/// Output and target of the same shape, in double. Both hold 0 where a label is
/// missing.
struct LabelledValues {
  at::Tensor output;
  at::Tensor target;
  /// How much each label counts, in the shape of the target: the weights as
  /// given, or a mask of those that are there; undefined if each counts once.
  at::Tensor weights;
};

/// One score for each label: [B, ...] in the precision of the output. A score
/// is 0 where the label is missing, and NaN on an accelerator where it is not 0
/// or 1; on the host that is an error.
struct BinaryScores {
  at::Tensor scores;
  at::Tensor positive; // bool
  at::Tensor weights;  // as above
};

/// Scores [B, C, ...] of classes [B, ...], int64. All scores of a label are 0
/// where it is missing, and NaN on an accelerator where its class is none; on
/// the host that is an error.
struct ClassScores {
  at::Tensor scores;
  at::Tensor classes;
  at::Tensor weights; // as above
};

/// Throws unless both are floating point and have the same shape, but for
/// dimensions of size 1.
LabelledValues labelled_values(const at::Tensor& output, const Labels& labels);

/// Whether the labels are class indices, rather than 0 and 1 in floating point.
/// Throws where they are neither.
bool has_classes(const Labels& labels);
BinaryScores binary_scores(const at::Tensor& output, const Labels& labels);
ClassScores class_scores(const at::Tensor& output, const Labels& labels);

/// The weights of labels, or a mask of those that are there; undefined if each
/// counts once.
at::Tensor narrow_weights(const Labels& labels);

/// The tensor in another shape of as many elements, which differs in dimensions
/// of size 1 alone: [B] for [B, 1], never [B, B]. Throws if it differs in more.
at::Tensor shaped_like(const at::Tensor& tensor, at::IntArrayRef shape);

/// [B, ...] as a matrix [B, k], also where B is 0.
at::Tensor as_columns(const at::Tensor& tensor);

/// Probabilities in double: those given, or what the scores are logits of.
/// Throws, on the host, on a probability outside [0, 1]; it is NaN elsewhere.
at::Tensor binary_probabilities(const at::Tensor& scores, bool are_given);
at::Tensor class_probabilities(const at::Tensor& scores, bool are_given);

/// Σ weights · values, and the sum of the weights alone: float64 scalars.
at::Tensor weighted_sum(const at::Tensor& values, const at::Tensor& weights);
at::Tensor sum_of_weights(const at::Tensor& values, const at::Tensor& weights);
/// For each column of a matrix [B, k]: float64 [k].
at::Tensor column_sums(const at::Tensor& values, const at::Tensor& weights);
at::Tensor column_weights(const at::Tensor& values, const at::Tensor& weights);
/// How much there is of each class 0 ... n - 1: float64 [n].
at::Tensor class_sums(
    const at::Tensor& classes, const at::Tensor& weights, int64_t n);

/// 0, or NaN where anything is true: a float64 scalar.
at::Tensor nan_if_any(const at::Tensor& mask);

/// numerator / denominator, 0 where the denominator is.
at::Tensor ratio_or_zero(
    const at::Tensor& numerator, const at::Tensor& denominator);

/// The mean of the values that `counts` says count; NaN if none does.
at::Tensor mean_where(const at::Tensor& values, const at::Tensor& counts);

} // namespace polytask::detail
