// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/task/metrics/mean_metric.h>
#include <polytask/task/metrics/score_options.h>

namespace polytask {

/// The mean of -log p over all labels together, where p is the probability that
/// the output gives the label, in nats. Outputs and labels: see `ScoreOptions`;
/// of any further dimensions. Given probabilities are held to [ε, 1 - ε], with
/// the ε of the output's precision. scikit-learn: log_loss; of several binary
/// columns, its mean over all of their labels.
class POLYTASK_API LogLoss : public MeanMetric {
 public:
  explicit LogLoss(ScoreOptions options = {}) : options_(options) {}

  std::string name() const override {
    return "log_loss";
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
