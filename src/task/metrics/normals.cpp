// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/normals.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/atan2.h>
#include <ATen/ops/full.h>
#include <ATen/ops/kthvalue.h>
#include <ATen/ops/linalg_cross.h>
#include <ATen/ops/sort.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "core/in_double.h"
#include "task/metrics/scored_labels.h"

namespace polytask {

namespace {

struct Angles {
  at::Tensor degrees; // double [B, ...], 0 where there is none
  at::Tensor weights; // weights or a mask, 0 there
};

Angles angles_of(const at::Tensor& output, const Labels& labels) {
  if (!detail::has_double(output.device())) {
    return angles_of(output.cpu(), labels.to(at::kCPU));
  }
  const at::Tensor& target = labels.target();
  TORCH_CHECK_VALUE(
      target.is_floating_point() && output.dim() >= 2 && output.size(1) == 3 &&
          target.sizes() == output.sizes(),
      "expected an output and a floating-point target of the same shape "
      "[B, 3, H, W], but got ",
      output.sizes(),
      " and ",
      target.scalar_type(),
      " ",
      target.sizes(),
      ".");
  const at::Tensor parts = labels.missing_mask();
  const at::Tensor wide = target.to(at::kDouble);
  const at::Tensor missing = parts.any(1).logical_or(wide.eq(0).all(1));
  const at::Tensor left_out = missing.unsqueeze(1);
  const at::Tensor a = output.to(at::kDouble).masked_fill(left_out, 0);
  const at::Tensor b = wide.masked_fill(left_out, 0);
  // Exact near 0 and 180 degrees, where the arc cosine is not, and no matter
  // how long the vectors are.
  const at::Tensor radians =
      at::atan2(at::linalg_cross(a, b, 1).norm(2, 1), (a * b).sum(1));
  const at::Tensor no_output =
      a.eq(0).all(1).logical_and(missing.logical_not());
  const at::Tensor is_there = missing.logical_not();
  at::Tensor weights = is_there;
  if (labels.is_weighted()) {
    weights =
        detail::narrow_weights(labels).select(1, 0).masked_fill(missing, 0);
  }
  return {
      (radians * (180 / std::numbers::pi)).masked_fill(no_output, 90), weights};
}

// Of a vector without NaN.
at::Tensor plain_median(const at::Tensor& values) {
  const int64_t n = values.size(0);
  if (n == 0) {
    return at::full({}, NAN, values.options().dtype(at::kDouble));
  }
  const auto at_rank = [&](int64_t rank) {
    return std::get<0>(at::kthvalue(values, rank + 1)).to(at::kDouble);
  };
  return n % 2 == 1 ? at_rank(n / 2)
                    : (at_rank(n / 2 - 1) + at_rank(n / 2)) / 2;
}

// Between the last value below which less than half of the weight is, and the
// first up to which more than half is.
at::Tensor weighted_median(
    const at::Tensor& values, const at::Tensor& weights) {
  const auto [sorted, order] = at::sort(values.masked_fill(
      weights.eq(0), std::numeric_limits<double>::infinity()));
  const at::Tensor up_to =
      weights.to(at::kDouble).index_select(0, order).cumsum(0);
  const at::Tensor half = up_to[-1] / 2;
  const auto value_after = [&](const at::Tensor& is_before) {
    const at::Tensor place = is_before.sum().clamp_max(values.size(0) - 1);
    return sorted.index_select(0, place.view({1})).to(at::kDouble).squeeze(0);
  };
  return ((value_after(up_to.lt(half)) + value_after(up_to.le(half))) / 2)
      .masked_fill(half.eq(0), NAN);
}

} // namespace

MetricState NormalAngleMean::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [degrees, weights] = angles_of(output, labels);
  return mean_of(degrees, weights);
}

MetricState NormalAngleMedian::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [degrees, weights] = angles_of(output, labels);
  return {
      {},
      {degrees.reshape({-1}).to(output.scalar_type()), weights.reshape({-1})}};
}

at::Tensor NormalAngleMedian::value(const MetricState& state) const {
  const at::Tensor& degrees = state.rows[0];
  const at::Tensor& weights = state.rows[1];
  if (degrees.size(0) == 0) {
    return plain_median(degrees);
  }
  const at::Tensor nan_or_zero = detail::nan_if_any(degrees.isnan());
  const bool counts_once = weights.scalar_type() == at::kBool;
  // To select is to wait for an accelerator.
  return nan_or_zero +
      (counts_once && degrees.device().is_cpu()
           ? plain_median(degrees.masked_select(weights))
           : weighted_median(degrees, weights));
}

NormalAngleWithin::NormalAngleWithin(double degrees) : degrees_(degrees) {
  TORCH_CHECK_VALUE(
      degrees > 0,
      "NormalAngleWithin: expected a positive angle, but got ",
      degrees,
      ".");
}

std::string NormalAngleWithin::name() const {
  return c10::str("within_", degrees_);
}

MetricState NormalAngleWithin::take(
    const at::Tensor& output, const Labels& labels) const {
  const auto [degrees, weights] = angles_of(output, labels);
  MetricState state = mean_of(degrees.lt(degrees_), weights);
  state.sums[0] += detail::nan_if_any(degrees.isnan());
  return state;
}

} // namespace polytask
