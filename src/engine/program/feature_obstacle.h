// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include "head_step.h"
#include "obstacle.h"

namespace polytask::detail {

/// Why known heads of this dtype cannot read these features of a step.
Obstacle feature_obstacle(
    const at::Tensor& features, const HeadStep& step, at::ScalarType type);

} // namespace polytask::detail
