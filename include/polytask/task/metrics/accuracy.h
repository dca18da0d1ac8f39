// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include <polytask/task/metrics/class_counts.h>
#include <polytask/task/metrics/mean_metric.h>
#include <polytask/task/metrics/score_options.h>

namespace polytask {

/// The share of labels that are met, over all labels together. A class is met
/// where it has the largest score, of equal ones the first; a binary label of 1
/// where the score is above 0, or the probability above one half. Outputs and
/// labels: see `ScoreOptions`; of any further dimensions. scikit-learn:
/// accuracy_score; torchmetrics: Accuracy(average="micro").
class POLYTASK_API Accuracy : public MeanMetric {
 public:
  explicit Accuracy(ScoreOptions options = {}) : options_(options) {}

  std::string name() const override {
    return "accuracy";
  }
  bool higher_is_better() const override {
    return true;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  ScoreOptions options_;
};

/// The share of labels whose class is among the k of the largest scores, of
/// equal ones the first. Classes only; throws where there are fewer than k.
/// scikit-learn: top_k_accuracy_score, but for equal scores.
class POLYTASK_API TopK : public MeanMetric {
 public:
  /// Throws unless k is positive.
  explicit TopK(int64_t k);

  /// "top_5" for k = 5.
  std::string name() const override;
  bool higher_is_better() const override {
    return true;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  int64_t k_;
};

/// The mean over classes of the share of their labels that are met, of those
/// classes that have a label. A binary score has two classes; [B, k] is the
/// mean over the columns that have a label. scikit-learn:
/// balanced_accuracy_score.
class POLYTASK_API BalancedAccuracy : public ClassCountMetric {
 public:
  explicit BalancedAccuracy(ScoreOptions options = {})
      : ClassCountMetric(options) {}

  std::string name() const override {
    return "balanced_accuracy";
  }
  at::Tensor value(const MetricState& state) const override;
};

} // namespace polytask
