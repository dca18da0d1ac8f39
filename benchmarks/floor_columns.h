// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// Floors of linear tasks in loops of our own, without BLAS.

/// For 2, 4 or 8 features; null for other widths.
std::unique_ptr<Contender> narrow_floor(
    const Problem& problem, double learning_rate, bool alternating);
/// Joint steps, for what fits into the caches.
std::unique_ptr<Contender> column_floor(
    const Problem& problem, double learning_rate);

} // namespace polytask::benchmarks
