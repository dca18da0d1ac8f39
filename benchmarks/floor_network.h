// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// What the arithmetic of a step of the shared network costs: gradients derived
/// by hand, BLAS, one buffer of parameters and one fused Adam call on it.
std::unique_ptr<Contender> network_floor(
    const Problem& problem, int64_t hidden, double learning_rate);

/// The same with the gradient of each task: the Jacobian of the shared layers,
/// task by task, its Gramian, and the mean of its rows as the update.
std::unique_ptr<Contender> jacobian_floor(
    const Problem& problem, int64_t hidden, double learning_rate);

} // namespace polytask::benchmarks
