// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <polytask/task/metrics/ranking_metric.h>

namespace polytask {

/// The area under the ROC curve, exact: the share of pairs of a positive and a
/// negative label in which the positive one has the higher score; equal scores
/// count one half, and a pair counts by the product of its weights. Columns,
/// classes and NaN: see `RankingMetric`. scikit-learn: roc_auc_score
/// (average="macro", multi_class="ovr").
///
/// Source: J. A. Hanley and B. J. McNeil, "The meaning and use of the area
/// under a receiver operating characteristic (ROC) curve", Radiology 143
/// (1982).
class POLYTASK_API ROCAUC : public RankingMetric {
 public:
  explicit ROCAUC(ScoreOptions options = {}) : RankingMetric(options) {}

  std::string name() const override {
    return "auc";
  }

 protected:
  at::Tensor of_column(
      const at::Tensor& scores,
      const at::Tensor& positive,
      const at::Tensor& weights) const override;
};

} // namespace polytask
