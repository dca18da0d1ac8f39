// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/task/metrics/mean_metric.h>
#include <polytask/task/metrics/score_options.h>

namespace polytask {

/// The mean squared distance of probabilities from what came: (p - y)² of a
/// binary label, from 0 to 1; Σ_c (p_c - [y = c])² of classes, from 0 to 2.
/// Outputs and labels: see `ScoreOptions`; of any further dimensions, over all
/// labels together. scikit-learn: brier_score_loss.
///
/// Source: G. W. Brier, "Verification of forecasts expressed in terms of
/// probability", Monthly Weather Review 78 (1950).
class POLYTASK_API Brier : public MeanMetric {
 public:
  explicit Brier(ScoreOptions options = {}) : options_(options) {}

  std::string name() const override {
    return "brier";
  }
  bool higher_is_better() const override {
    return false;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  ScoreOptions options_;
};

} // namespace polytask
