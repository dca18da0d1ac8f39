// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::optim::detail {

/// parameter [count] -= rate · (gradient + decay · parameter), rounded as
/// LibTorch's kernels do.
void plain_sgd(
    float* parameter,
    const float* gradient,
    int64_t count,
    double rate,
    double decay);
void plain_sgd(
    double* parameter,
    const double* gradient,
    int64_t count,
    double rate,
    double decay);

} // namespace polytask::optim::detail
