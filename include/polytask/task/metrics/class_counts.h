// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <polytask/task/metric.h>
#include <polytask/task/metrics/score_options.h>

namespace polytask {

/// The base of metrics that count, for each class, the labels of it, the
/// outputs of it and those that agree. Outputs and labels: see `ScoreOptions`;
/// binary ones of no more than two dimensions.
class POLYTASK_API ClassCountMetric : public Metric {
 public:
  bool higher_is_better() const override {
    return true;
  }

 protected:
  explicit ClassCountMetric(ScoreOptions options) : options_(options) {}

  /// Sums of weights: [C], or [2, k] for the labels 0 and 1 of k binary
  /// columns.
  struct Counts {
    at::Tensor right;
    at::Tensor predicted;
    at::Tensor actual;

    bool are_binary() const {
      return actual.dim() == 2;
    }
  };
  static Counts counts_of(const MetricState& state);

  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  ScoreOptions options_;
};

} // namespace polytask
