// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/distances.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>

namespace polytask::detail {

namespace {

// LibTorch decomposes nothing in half precision.
torch::Tensor at_least_single(const torch::Tensor& values) {
  const auto type = values.scalar_type();
  return type == torch::kHalf || type == torch::kBFloat16
      ? values.to(torch::kFloat)
      : values;
}

torch::Tensor squared_around(
    const torch::Tensor& rows, const torch::Tensor& mean) {
  return (rows - mean).square().sum();
}

} // namespace

// Pairs among m rows x: m Σ |x - mean|². Between m of them and k rows y:
// k Σ |x - mean of y|² + m Σ |y - mean of y|².
torch::Tensor squared_distances(
    const std::vector<torch::Tensor>& rows, const std::vector<bool>& moves) {
  std::vector<torch::Tensor> moving, fixed;
  for (size_t i = 0; i < rows.size(); ++i) {
    (moves[i] ? moving : fixed).push_back(at_least_single(rows[i]));
  }
  const auto moving_count = static_cast<double>(moving.size());
  const auto fixed_count = static_cast<double>(fixed.size());
  const torch::Tensor x = at::stack(moving);
  torch::Tensor sum = moving_count * squared_around(x, x.mean(0));
  if (!fixed.empty()) {
    const torch::Tensor y = at::stack(fixed);
    const torch::Tensor mean = y.mean(0);
    sum = sum + fixed_count * squared_around(x, mean) +
        moving_count * squared_around(y, mean);
  }
  return sum;
}

torch::Tensor trace_norm(const torch::Tensor& matrix) {
  const torch::Tensor own = at_least_single(matrix);
  torch::Tensor direction;
  {
    const torch::NoGradGuard no_grad;
    const auto [u, values, v] =
        at::linalg_svd(own.detach(), /*full_matrices=*/false);
    const double epsilon = own.scalar_type() == torch::kDouble
        ? std::numeric_limits<double>::epsilon()
        : std::numeric_limits<float>::epsilon();
    const auto size = static_cast<double>(std::max(own.size(0), own.size(1)));
    const torch::Tensor counts = values > values.max() * (size * epsilon);
    direction = (u * counts.to(u.scalar_type())).matmul(v);
  }
  // <W, U Vᵀ> is the trace norm, and U Vᵀ its gradient.
  return (own * direction).sum();
}

} // namespace polytask::detail
