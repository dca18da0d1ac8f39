// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <cstdint>
#include <string>

#include <polytask/task/metric.h>
#include <polytask/task/metrics/score_options.h>

namespace polytask {

struct POLYTASK_API ExpectedCalibrationErrorOptions {
  /// How many bins of equal width there are from 0 to 1.
  TORCH_ARG(int64_t, bins) = 15;
  TORCH_ARG(bool, probabilities) = false;
};

/// How far confidences are from the share that is right: the mean over bins of
/// |share - mean confidence|, each with the weight of its labels; from 0 to 1.
/// Of classes, the confidence is the largest probability, and right is where it
/// is that of the label; of binary labels, it is the probability of 1. Outputs
/// and labels: see `ScoreOptions`; of any further dimensions, over all labels
/// together. A bin goes from its lower end to below its upper one, the last to
/// 1. torchmetrics: CalibrationError(norm="l1"), but that gives a confidence of
/// exactly 1 a bin of its own.
///
/// Source: C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of
/// modern neural networks", ICML 2017, equation 3.
class POLYTASK_API ExpectedCalibrationError : public Metric {
 public:
  /// Throws unless there is at least one bin.
  explicit ExpectedCalibrationError(
      ExpectedCalibrationErrorOptions options = {});

  std::string name() const override {
    return "ece";
  }
  bool higher_is_better() const override {
    return false;
  }
  at::Tensor value(const MetricState& state) const override;

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  MetricState binned(
      const at::Tensor& confidence,
      const at::Tensor& right,
      const at::Tensor& weights) const;

  ExpectedCalibrationErrorOptions options_;
};

} // namespace polytask
