// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// Steps of shared networks with a balancing that reads gradients: "equal" (no
/// balancing), "floor" (the Jacobian by hand), each method, and the same from
/// the features' gradients.
void add_balanced_networks(Entries& entries, const DataFolder& data);

} // namespace polytask::benchmarks
