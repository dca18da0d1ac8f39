// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/row_weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/ATen_fwd.h>
#include <ATen/ops/exp2.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/log2.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <optional>
#include <vector>

namespace polytask::detail {

namespace {

struct WeightCounts {
  int64_t zeros = 0;
  int64_t refused = 0;
  bool overflows = false;
  std::optional<int64_t> missing = std::nullopt;
};

template <typename Scalar>
WeightCounts count_weights(const at::Tensor& weights) {
  WeightCounts counts;
  const Scalar* data = weights.const_data_ptr<Scalar>();
  const int64_t rows = weights.numel();
  Scalar sum = 0;
  for (int64_t i = 0; i < rows; ++i) {
    counts.zeros += data[i] == 0;
    counts.refused += !(data[i] >= 0 && std::isfinite(data[i]));
    sum += data[i];
  }
  counts.overflows = !std::isfinite(sum);
  return counts;
}

WeightCounts count_weights_on_device(
    const at::Tensor& weights, const at::Tensor& missing) {
  const at::Tensor wide =
      weights.to(at::promoteTypes(weights.scalar_type(), at::kFloat));
  const at::Tensor refused =
      wide.ge(0).logical_and(at::isfinite(wide)).logical_not();
  std::vector<at::Tensor> counts{
      wide.eq(0).sum(),
      refused.sum(),
      at::isfinite(wide.sum()).logical_not().to(at::kLong)};
  if (missing.defined()) {
    counts.push_back(missing.sum());
  }
  // One copy to the host, and so one wait.
  const at::Tensor host = at::stack(counts).to(at::kCPU);
  const auto* count = host.const_data_ptr<int64_t>();
  WeightCounts found{count[0], count[1], count[2] != 0};
  if (missing.defined()) {
    found.missing = count[3];
  }
  return found;
}

WeightCounts counts_of(const at::Tensor& weights, const at::Tensor& missing) {
  const bool is_plain = weights.device().is_cpu() && weights.is_contiguous() &&
      !missing.defined();
  if (is_plain && weights.scalar_type() == at::kFloat) {
    return count_weights<float>(weights);
  }
  if (is_plain && weights.scalar_type() == at::kDouble) {
    return count_weights<double>(weights);
  }
  return count_weights_on_device(weights, missing);
}

} // namespace

at::Tensor row_weights(at::Tensor weights, const at::Tensor& target) {
  const int64_t rows = target.size(0);
  TORCH_CHECK_VALUE(
      weights.dim() >= 1 && weights.size(0) == rows &&
          (weights.dim() == 1 || (weights.dim() == 2 && weights.size(1) == 1)),
      "weights of rows: expected shape [",
      rows,
      "], one for each row, but got ",
      weights.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      weights.is_floating_point(),
      "weights of rows: expected floating-point numbers, but got ",
      weights.scalar_type(),
      ".");
  TORCH_CHECK_VALUE(
      weights.device() == target.device(),
      "weights of rows: the target is on ",
      target.device(),
      ", but the weights on ",
      weights.device(),
      ".");
  TORCH_CHECK_VALUE(
      weights.layout() == at::kStrided,
      "weights of rows: expected a dense tensor, but got a sparse one.");
  return (weights.dim() == 2 ? weights.squeeze(1) : weights).detach();
}

at::Tensor of_largest_near_one(const at::Tensor& weights) {
  if (weights.numel() == 0) {
    return weights;
  }
  const double most = weights.scalar_type() == at::kDouble ? 1000 : 120;
  const at::Tensor exponent =
      at::floor(at::log2(weights.max())).clamp(-most, most);
  return weights * at::exp2(-exponent);
}

RowWeights check_row_weights(
    const at::Tensor& weights, const at::Tensor& missing) {
  const WeightCounts counts = counts_of(weights, missing);
  TORCH_CHECK_VALUE(
      counts.refused == 0,
      "weights of rows: expected finite numbers of at least 0, but ",
      counts.refused,
      " of ",
      weights.numel(),
      counts.refused == 1 ? " is" : " are",
      " negative, NaN or infinite.");
  TORCH_CHECK_VALUE(!counts.overflows, "weights of rows: their sum overflows.");
  return {counts.zeros, counts.missing};
}

} // namespace polytask::detail
