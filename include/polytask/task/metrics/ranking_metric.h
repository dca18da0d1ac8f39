// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <polytask/task/metric.h>
#include <polytask/task/metrics/score_options.h>

namespace polytask {

/// The base of metrics of how scores rank positive before negative labels.
/// Outputs and labels: see `ScoreOptions`; none of further dimensions, but
/// classes. The value is the mean over the columns of binary scores, or over
/// the classes against all others, of those that have positive and negative
/// labels; NaN if none has.
///
/// Keeps all rows, scores in their own precision, and sorts them when asked for
/// the value. Of binary scores only the order matters; of classes, the softmax
/// of logits is taken first.
class POLYTASK_API RankingMetric : public Metric {
 public:
  bool higher_is_better() const override {
    return true;
  }
  at::Tensor value(const MetricState& state) const override;

 protected:
  explicit RankingMetric(ScoreOptions options) : options_(options) {}

  /// The value of one column that has both labels; of others, anything.
  /// `scores` [n], `positive` bool [n], and `weights` [n], which are 0 where a
  /// label is missing and may be bool.
  virtual at::Tensor of_column(
      const at::Tensor& scores,
      const at::Tensor& positive,
      const at::Tensor& weights) const = 0;

  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  ScoreOptions options_;
};

} // namespace polytask
