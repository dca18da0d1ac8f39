// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <polytask/task/metrics/mean_metric.h>

// How far surface normals are from their targets, in degrees, over all pixels
// together. Output and target are floating point of the same shape [B, 3, ...],
// as [B, 3, H, W]; their lengths do not matter. A pixel is missing where the
// target is 0 in all three, or any of them is missing. The angle of an output
// of length 0 is 90 degrees, as of a vector that is normalised with an ε; one
// of NaN makes the value NaN.
//
// Source: D. F. Fouhey, A. Gupta and M. Hebert, "Data-driven 3D primitives for
// single image understanding", ICCV 2013.

namespace polytask {

/// The mean angle.
class POLYTASK_API NormalAngleMean : public MeanMetric {
 public:
  std::string name() const override {
    return "angle_mean";
  }
  bool higher_is_better() const override {
    return false;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The median angle, exact: of an even number, the mean of the middle two. With
/// weights, that of rows repeated so often. Keeps the angles of all pixels, in
/// the precision of the output.
class POLYTASK_API NormalAngleMedian : public Metric {
 public:
  std::string name() const override {
    return "angle_median";
  }
  bool higher_is_better() const override {
    return false;
  }
  at::Tensor value(const MetricState& state) const override;

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;
};

/// The share of pixels whose angle is below a bound.
class POLYTASK_API NormalAngleWithin : public MeanMetric {
 public:
  /// `degrees`: 11.25, 22.5 and 30 are usual. Throws unless it is positive.
  explicit NormalAngleWithin(double degrees);

  /// "within_11.25".
  std::string name() const override;
  bool higher_is_better() const override {
    return true;
  }

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  double degrees_;
};

} // namespace polytask
