// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <polytask/task/metrics/ranking_metric.h>

namespace polytask {

/// The mean of the precisions at all scores as thresholds, each weighted by the
/// recall that it adds: Σ (R_n - R_{n-1}) P_n, a step function without
/// interpolation. Columns, classes and NaN: see `RankingMetric`. scikit-learn:
/// average_precision_score, which is 0 rather than NaN without a positive
/// label.
class POLYTASK_API AveragePrecision : public RankingMetric {
 public:
  explicit AveragePrecision(ScoreOptions options = {})
      : RankingMetric(options) {}

  std::string name() const override {
    return "average_precision";
  }

 protected:
  at::Tensor of_column(
      const at::Tensor& scores,
      const at::Tensor& positive,
      const at::Tensor& weights) const override;
};

} // namespace polytask
