// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include <polytask/task/metric.h>

// How well outputs follow their targets, from -1 to 1. Output and target are
// floating point of the same shape [B, ...]; [B] and [B, 1] meet as well. The
// value is the mean over the columns of a row, of those whose labels are not
// all equal; NaN if there is none, or where an output is NaN, or all of a
// column's are equal while its labels are not.

namespace polytask {

/// Pearson's correlation, Σ w (y - ȳ)(p - p̄) / √(Σ w (y - ȳ)² Σ w (p - p̄)²).
/// scipy: pearsonr; torchmetrics: PearsonCorrCoef.
class POLYTASK_API Pearson : public Metric {
 public:
  std::string name() const override {
    return "pearson";
  }
  bool higher_is_better() const override {
    return true;
  }
  MetricState merge(const std::vector<MetricState>& states) const override;
  at::Tensor value(const MetricState& state) const override;

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// Spearman's correlation: Pearson's of the ranks, where equal numbers share
/// the mean of their ranks. Keeps all rows, in their own precision. scipy:
/// spearmanr; torchmetrics: SpearmanCorrCoef.
///
/// Throws where rows have weights: weighted ranks have no agreed definition.
class POLYTASK_API Spearman : public Metric {
 public:
  std::string name() const override {
    return "spearman";
  }
  bool higher_is_better() const override {
    return true;
  }
  at::Tensor value(const MetricState& state) const override;

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

} // namespace polytask
