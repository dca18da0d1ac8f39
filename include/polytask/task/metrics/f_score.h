// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <cstdint>
#include <optional>
#include <string>

#include <polytask/task/metrics/class_counts.h>

namespace polytask {

/// Over which classes a precision, a recall or an F score goes.
struct POLYTASK_API FScoreOptions {
  enum class Average {
    /// The mean of the classes' scores: of classes that are a label or an
    /// output somewhere; of binary scores [B, k], the columns with a label.
    kMacro,
    /// The score of all classes' counts together.
    kMicro,
  };
  TORCH_ARG(Average, average) = Average::kMacro;
  /// Only this class, or this column of binary scores.
  TORCH_ARG(std::optional<int64_t>, of_class);
  TORCH_ARG(bool, probabilities) = false;
};

/// The base of precision, recall and F1. Outputs and labels: see
/// `ScoreOptions`; a binary score is that of its positive class. Where a
/// denominator is 0, the score is 0, as in scikit-learn; NaN where there is no
/// label at all.
class POLYTASK_API FScoreMetric : public ClassCountMetric {
 public:
  using Average = FScoreOptions::Average;

  /// "f1", "f1_micro", or "f1[2]" of a class.
  std::string name() const override;
  at::Tensor value(const MetricState& state) const override;

 protected:
  /// Throws on a class below 0.
  FScoreMetric(std::string name, const FScoreOptions& options);

  virtual at::Tensor score(
      const at::Tensor& right,
      const at::Tensor& predicted,
      const at::Tensor& actual) const = 0;
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  std::string name_;
  FScoreOptions options_;
};

/// The share of outputs of a class that are right: TP / (TP + FP).
/// scikit-learn: precision_score.
class POLYTASK_API Precision : public FScoreMetric {
 public:
  explicit Precision(const FScoreOptions& options = {})
      : FScoreMetric("precision", options) {}

 protected:
  at::Tensor score(
      const at::Tensor& right,
      const at::Tensor& predicted,
      const at::Tensor& actual) const override;
};

/// The share of labels of a class that are met: TP / (TP + FN). scikit-learn:
/// recall_score.
class POLYTASK_API Recall : public FScoreMetric {
 public:
  explicit Recall(const FScoreOptions& options = {})
      : FScoreMetric("recall", options) {}

 protected:
  at::Tensor score(
      const at::Tensor& right,
      const at::Tensor& predicted,
      const at::Tensor& actual) const override;
};

/// The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN).
/// scikit-learn: f1_score.
class POLYTASK_API F1 : public FScoreMetric {
 public:
  explicit F1(const FScoreOptions& options = {})
      : FScoreMetric("f1", options) {}

 protected:
  at::Tensor score(
      const at::Tensor& right,
      const at::Tensor& predicted,
      const at::Tensor& actual) const override;
};

} // namespace polytask
