// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// A model of which polytask knows nothing special: a trunk of the user's, two
/// layers in each head, Huber loss, and the user's own optimizer.
void add_generic(Entries& entries);

} // namespace polytask::benchmarks
