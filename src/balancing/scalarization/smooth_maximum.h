// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::balancing::detail {

/// μ log Σ exp(v_k / μ) of v [T], with its graph: finite for finite values and
/// any positive μ.
at::Tensor smooth_maximum(const at::Tensor& values, double mu);

} // namespace polytask::balancing::detail
