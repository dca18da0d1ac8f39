// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task/metrics/scored_labels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_add.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <optional>
#include <vector>

#include "core/in_double.h"

namespace polytask::detail {

namespace {

std::vector<int64_t> without_ones(at::IntArrayRef shape) {
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i == 0 || shape[i] != 1) {
      sizes.push_back(shape[i]);
    }
  }
  return sizes;
}

// An accelerator may have to be waited for to know that.
bool all_are_there(const Labels& labels) {
  return labels.target().device().is_cpu() && labels.is_complete();
}

at::Tensor without_missing(
    const at::Tensor& values, const at::Tensor& missing) {
  return missing.defined() ? values.masked_fill(missing, 0) : values;
}

// Undefined if there are none.
at::Tensor known_missing(const Labels& labels) {
  return all_are_there(labels) ? at::Tensor() : labels.missing_mask();
}

// `scores` with NaN where `wrong`, or an error where looking costs no wait.
at::Tensor without_wrong(
    const at::Tensor& scores,
    const at::Tensor& values,
    const at::Tensor& wrong,
    const char* expected) {
  if (!values.device().is_cpu()) {
    return scores.masked_fill(wrong, NAN);
  }
  TORCH_CHECK_VALUE(
      !wrong.any().item<bool>(),
      "expected ",
      expected,
      ", but found ",
      values.masked_select(wrong)[0].item<double>(),
      ".");
  return scores;
}

at::Tensor checked_probabilities(const at::Tensor& scores) {
  // Means of probabilities may be a rounding above 1.
  constexpr double kRounding = 1e-6;
  return without_wrong(
      scores,
      scores,
      scores.lt(-kRounding).logical_or(scores.gt(1 + kRounding)),
      "probabilities from 0 to 1");
}

at::Tensor on_labels(const at::Tensor& rows, const at::Tensor& target) {
  std::vector<int64_t> shape(static_cast<size_t>(target.dim()), 1);
  shape[0] = target.size(0);
  return rows.view(shape).expand_as(target);
}

} // namespace

at::Tensor narrow_weights(const Labels& labels) {
  const at::Tensor missing = known_missing(labels);
  if (!labels.is_weighted()) {
    return missing.defined() ? missing.logical_not() : missing;
  }
  return without_missing(on_labels(labels.weights(), labels.target()), missing);
}

at::Tensor shaped_like(const at::Tensor& tensor, at::IntArrayRef shape) {
  if (tensor.sizes() == shape) {
    return tensor;
  }
  TORCH_CHECK_VALUE(
      without_ones(tensor.sizes()) == without_ones(shape),
      "expected a target of the output's shape ",
      tensor.sizes(),
      ", but got ",
      shape,
      ".");
  return tensor.reshape(shape);
}

at::Tensor as_columns(const at::Tensor& tensor) {
  int64_t columns = 1;
  for (const int64_t size : tensor.sizes().slice(1)) {
    columns *= size;
  }
  return tensor.reshape({tensor.size(0), columns});
}

LabelledValues labelled_values(const at::Tensor& output, const Labels& labels) {
  if (!has_double(output.device())) {
    return labelled_values(output.cpu(), labels.to(at::kCPU));
  }
  const at::Tensor& target = labels.target();
  TORCH_CHECK_VALUE(
      target.is_floating_point(),
      "expected a target of floating-point numbers, but got ",
      target.scalar_type(),
      ".");
  const at::Tensor values = shaped_like(output, target.sizes()).to(at::kDouble);
  const at::Tensor missing = known_missing(labels);
  return {
      without_missing(values, missing),
      without_missing(target.to(at::kDouble), missing),
      narrow_weights(labels)};
}

bool has_classes(const Labels& labels) {
  const at::Tensor& target = labels.target();
  TORCH_CHECK_VALUE(
      target.is_floating_point() || target.scalar_type() == at::kLong,
      "expected class indices of dtype Long, or labels of 0 and 1 in floating "
      "point, but got ",
      target.scalar_type(),
      ".");
  return !target.is_floating_point();
}

BinaryScores binary_scores(const at::Tensor& output, const Labels& labels) {
  if (!has_double(output.device())) {
    return binary_scores(output.cpu(), labels.to(at::kCPU));
  }
  const at::Tensor missing = known_missing(labels);
  const at::Tensor target = without_missing(labels.target(), missing);
  const at::Tensor scores =
      without_missing(shaped_like(output, target.sizes()), missing);
  const at::Tensor positive = target.eq(1);
  const at::Tensor wrong = target.ne(0).logical_and(positive.logical_not());
  return {
      without_wrong(scores, target, wrong, "labels of 0 or 1"),
      positive,
      narrow_weights(labels)};
}

ClassScores class_scores(const at::Tensor& output, const Labels& labels) {
  if (!has_double(output.device())) {
    return class_scores(output.cpu(), labels.to(at::kCPU));
  }
  TORCH_CHECK_VALUE(
      labels.target().scalar_type() == at::kLong,
      "expected class indices of dtype Long, but got ",
      labels.target().scalar_type(),
      ".");
  TORCH_CHECK_VALUE(
      output.dim() >= 2 && output.size(1) >= 2,
      "expected scores [B, C] of two classes or more, but the output has "
      "shape ",
      output.sizes(),
      ".");
  std::vector<int64_t> shape = output.sizes().vec();
  shape.erase(shape.begin() + 1);
  const at::Tensor& target = labels.target();
  TORCH_CHECK_VALUE(
      without_ones(target.sizes()) == without_ones(shape),
      "expected class indices of shape ",
      at::IntArrayRef(shape),
      " for an output of shape ",
      output.sizes(),
      ", but got ",
      target.sizes(),
      ".");
  const at::Tensor missing = known_missing(labels);
  const auto shaped = [&](const at::Tensor& of_labels) {
    return of_labels.defined() ? of_labels.reshape(shape) : of_labels;
  };
  const at::Tensor classes = shaped(without_missing(target, missing));
  const at::Tensor wrong = classes.lt(0).logical_or(classes.ge(output.size(1)));
  at::Tensor scores = missing.defined()
      ? output.masked_fill(shaped(missing).unsqueeze(1), 0)
      : output;
  if (classes.device().is_cpu()) {
    without_wrong(
        scores,
        classes,
        wrong,
        c10::str("classes from 0 to ", output.size(1) - 1).c_str());
  } else {
    scores = scores.masked_fill(wrong.unsqueeze(1), NAN);
  }
  return {
      scores,
      classes.device().is_cpu() ? classes : classes.masked_fill(wrong, 0),
      shaped(narrow_weights(labels))};
}

at::Tensor binary_probabilities(const at::Tensor& scores, bool are_given) {
  return are_given ? checked_probabilities(scores).to(at::kDouble)
                   : at::sigmoid(scores.to(at::kDouble));
}

at::Tensor class_probabilities(const at::Tensor& scores, bool are_given) {
  return are_given ? checked_probabilities(scores).to(at::kDouble)
                   : at::softmax(scores, 1, at::kDouble);
}

at::Tensor weighted_sum(const at::Tensor& values, const at::Tensor& weights) {
  if (!weights.defined()) {
    return values.sum(at::kDouble);
  }
  return at::dot(
      values.to(at::kDouble).reshape({-1}),
      weights.to(at::kDouble).reshape({-1}));
}

at::Tensor sum_of_weights(const at::Tensor& values, const at::Tensor& weights) {
  return weights.defined() ? weights.sum(at::kDouble)
                           : at::scalar_tensor(
                                 static_cast<double>(values.numel()),
                                 values.options().dtype(at::kDouble));
}

at::Tensor column_sums(const at::Tensor& values, const at::Tensor& weights) {
  return weights.defined() ? (values * weights.to(at::kDouble)).sum(0)
                           : values.sum(0, false, at::kDouble);
}

at::Tensor column_weights(const at::Tensor& values, const at::Tensor& weights) {
  return weights.defined() ? weights.sum(0, false, at::kDouble)
                           : at::full(
                                 {values.size(1)},
                                 static_cast<double>(values.size(0)),
                                 values.options().dtype(at::kDouble));
}

at::Tensor class_sums(
    const at::Tensor& classes, const at::Tensor& weights, int64_t n) {
  const at::Tensor flat = classes.reshape({-1});
  const auto options = flat.options().dtype(at::kDouble);
  const at::Tensor each =
      weights.defined() ? weights.to(at::kDouble).reshape({-1}) : at::Tensor();
  // It would wait for an accelerator.
  if (flat.device().is_cpu()) {
    return at::bincount(
               flat, each.defined() ? std::optional(each) : std::nullopt, n)
        .to(at::kDouble);
  }
  return at::index_add(
      at::zeros({n}, options),
      0,
      flat,
      each.defined() ? each : at::ones({flat.size(0)}, options));
}

at::Tensor nan_if_any(const at::Tensor& mask) {
  return at::zeros({}, mask.options().dtype(at::kDouble))
      .masked_fill(mask.any(), NAN);
}

at::Tensor ratio_or_zero(
    const at::Tensor& numerator, const at::Tensor& denominator) {
  return (numerator / denominator).masked_fill(denominator.eq(0), 0);
}

at::Tensor mean_where(const at::Tensor& values, const at::Tensor& counts) {
  return values.masked_fill(counts.logical_not(), 0).sum() / counts.sum();
}

} // namespace polytask::detail
