// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "contender.h"
#include "mixtures.h"
#include "problem.h"

namespace polytask::benchmarks {

/// The arithmetic of a mixture of experts and nothing else: products by BLAS,
/// all between them in loops for these widths, Adam by LibTorch's fused kernel.
std::unique_ptr<Contender> mixture_floor(
    const Problem& problem, MixtureKind kind, double learning_rate);

/// The same with a gradient for each task, their inner products, and an update
/// along their mean.
std::unique_ptr<Contender> mixture_jacobian_floor(
    const Problem& problem, MixtureKind kind, double learning_rate);

} // namespace polytask::benchmarks
