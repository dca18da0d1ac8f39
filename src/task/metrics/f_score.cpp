// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/f_score.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include "task/metrics/scored_labels.h"

namespace polytask {

FScoreMetric::FScoreMetric(std::string name, const FScoreOptions& options)
    : ClassCountMetric(ScoreOptions().probabilities(options.probabilities())),
      name_(std::move(name)),
      options_(options) {
  TORCH_CHECK_VALUE(
      options.of_class().value_or(0) >= 0,
      name_,
      ": expected a class of 0 or more, but got ",
      *options.of_class(),
      ".");
}

std::string FScoreMetric::name() const {
  if (options_.of_class()) {
    return c10::str(name_, "[", *options_.of_class(), "]");
  }
  return options_.average() == Average::kMicro ? name_ + "_micro" : name_;
}

MetricState FScoreMetric::take(
    const at::Tensor& output, const Labels& labels) const {
  MetricState state = ClassCountMetric::take(output, labels);
  const int64_t count = state.sums[0].size(-1);
  TORCH_CHECK_VALUE(
      options_.of_class().value_or(0) < count,
      "expected class ",
      options_.of_class().value_or(0),
      " among the scores, but there are ",
      count,
      ".");
  return state;
}

at::Tensor FScoreMetric::value(const MetricState& state) const {
  const Counts counts = counts_of(state);
  const auto of_positive = [&](const at::Tensor& sums) {
    return counts.are_binary() ? sums[1] : sums;
  };
  const at::Tensor right = of_positive(counts.right);
  const at::Tensor predicted = of_positive(counts.predicted);
  const at::Tensor actual = of_positive(counts.actual);
  const at::Tensor nothing = counts.actual.sum().eq(0);
  if (options_.of_class()) {
    const at::Tensor each = score(right, predicted, actual);
    const int64_t index = *options_.of_class();
    // A binary column may be without a label where others have some.
    const at::Tensor none =
        counts.are_binary() ? counts.actual.sum(0)[index].eq(0) : nothing;
    return each[index].masked_fill(none, NAN);
  }
  if (options_.average() == Average::kMicro) {
    return score(right.sum(), predicted.sum(), actual.sum())
        .masked_fill(nothing, NAN);
  }
  return detail::mean_where(
      score(right, predicted, actual),
      counts.are_binary() ? counts.actual.sum(0).ne(0)
                          : (actual + predicted).ne(0));
}

at::Tensor Precision::score(
    const at::Tensor& right,
    const at::Tensor& predicted,
    const at::Tensor& /*actual*/) const {
  return detail::ratio_or_zero(right, predicted);
}

at::Tensor Recall::score(
    const at::Tensor& right,
    const at::Tensor& /*predicted*/,
    const at::Tensor& actual) const {
  return detail::ratio_or_zero(right, actual);
}

at::Tensor F1::score(
    const at::Tensor& right,
    const at::Tensor& predicted,
    const at::Tensor& actual) const {
  return detail::ratio_or_zero(2 * right, predicted + actual);
}

} // namespace polytask
