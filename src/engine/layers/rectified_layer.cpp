// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "rectified_layer.h"

#include <ATen/ops/threshold_backward.h>

#include "../kernels/over_rows.h"
#include "../kernels/rectify.h"
#include "products.h"

namespace polytask::detail {

void RectifiedLayer::mask(
    const torch::Tensor& cotangents, int64_t tasks) const {
  if (!is_rectified_) {
    return;
  }
  if (!is_host_real(cotangents) || !is_host_real(output_)) {
    torch::Tensor masked = cotangents.view({tasks, output_.numel()});
    at::threshold_backward_out(
        masked, masked, output_.reshape({1, -1}).expand_as(masked), 0);
    return;
  }
  const int64_t size = output_.numel();
  as_real(cotangents.scalar_type(), [&](auto zero) {
    using Scalar = decltype(zero);
    auto* slopes = cotangents.data_ptr<Scalar>();
    const auto* outputs = output_.const_data_ptr<Scalar>();
    for (int64_t task = 0; task < tasks; ++task) {
      over_rows(size, 1, [&](int64_t begin, int64_t end) {
        rectify_gradient(
            slopes + task * size + begin, outputs + begin, end - begin);
      });
    }
  });
}

torch::Tensor RectifiedLayer::rectified(torch::Tensor output) {
  if (is_rectified_) {
    output_ = output = output.contiguous();
    output.relu_();
  }
  return output;
}

} // namespace polytask::detail
