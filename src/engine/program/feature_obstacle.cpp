// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "feature_obstacle.h"

namespace polytask::detail {

Obstacle feature_obstacle(
    const at::Tensor& features, const HeadStep& step, at::ScalarType type) {
  if (features.dim() != 2) {
    return {"the features are not a matrix [B, d]"};
  }
  if (features.size(0) != step.inputs->rows()) {
    return {"the features are not of the input's rows"};
  }
  if (features.layout() != at::kStrided || features.is_neg()) {
    return {"the features are not plain memory"};
  }
  if (!features.device().is_cpu()) {
    return {"the features are not on the CPU"};
  }
  if (features.scalar_type() != type) {
    return {"the features are of another dtype", /*is_error=*/true};
  }
  return {};
}

} // namespace polytask::detail
