// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include <polytask/task/metrics/mean_metric.h>

// How far depths are from their targets, over all pixels together. Output and
// target are floating point of the same shape, [B, 1, H, W] or any other. A
// pixel whose target is not above 0 is missing, as in NYUv2 and the literature
// on it, besides those that are missing anyway. An output of NaN at any other
// makes the value NaN.
//
// Source: D. Eigen, C. Puhrsch and R. Fergus, "Depth map prediction from a
// single image using a multi-scale deep network", NeurIPS 2014. Means are over
// all pixels here, not over those of each image or batch first.

namespace polytask {

/// The mean of |p - y|, in the unit of depth.
class POLYTASK_API DepthAbsoluteError : public MeanMetric {
 public:
  std::string name() const override {
    return "abs_err";
  }
  bool higher_is_better() const override {
    return false;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The mean of |p - y| / y.
class POLYTASK_API DepthRelativeError : public MeanMetric {
 public:
  std::string name() const override {
    return "rel_err";
  }
  bool higher_is_better() const override {
    return false;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The share of pixels with max(p / y, y / p) < 1.25^n. An output that is not
/// above 0 is never among them.
class POLYTASK_API DepthDelta : public MeanMetric {
 public:
  /// Throws unless n is positive.
  explicit DepthDelta(int64_t n);

  /// "delta_1" for n = 1.
  std::string name() const override;
  bool higher_is_better() const override {
    return true;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  int64_t n_;
};

} // namespace polytask
