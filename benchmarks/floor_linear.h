// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// What the arithmetic of a step costs: gradients derived by hand, buffers
/// allocated once, no autograd, one thread but in BLAS.
std::unique_ptr<Contender> joint_linear_floor(
    const Problem& problem, double learning_rate);
std::unique_ptr<Contender> alternating_linear_floor(
    const Problem& problem, double learning_rate);

} // namespace polytask::benchmarks
