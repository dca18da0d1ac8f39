// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"

namespace polytask::benchmarks {

/// The optimizer step alone: 20 and 200 parameters [64, 64], gradients given.
void add_optimizers(Entries& entries);

} // namespace polytask::benchmarks
