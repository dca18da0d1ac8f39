// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <polytask/task/metrics/accuracy.h>
#include <polytask/task/metrics/class_counts.h>

// Class scores [B, C, H, W] and labels [B, H, W], int64, in which the ignore
// index is a missing pixel; [B, C] and [B] will do as well. See `ScoreOptions`.

namespace polytask {

/// The mean over classes of intersection over union, TP / (TP + FP + FN), each
/// over all pixels together; of those classes that are a label or an output
/// somewhere. scikit-learn: jaccard_score(average="macro") of the pixels;
/// torchmetrics: JaccardIndex(average="macro").
class POLYTASK_API MeanIoU : public ClassCountMetric {
 public:
  MeanIoU() : ClassCountMetric(ScoreOptions()) {}

  std::string name() const override {
    return "mean_iou";
  }
  at::Tensor value(const MetricState& state) const override;

 protected:
  /// Throws on labels that are no classes.
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The share of pixels whose class has the largest score: `Accuracy`, under the
/// name that it has in segmentation. Binary masks [B, 1, H, W] will do as well.
class POLYTASK_API PixelAccuracy : public Accuracy {
 public:
  using Accuracy::Accuracy;

  std::string name() const override {
    return "pixel_accuracy";
  }
};

} // namespace polytask
