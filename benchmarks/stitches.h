// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"

namespace polytask::benchmarks {

/// Four tasks on 64 inputs and 1,024 rows, with towers 128 -> 64 -> 1, behind
/// two stages 64 -> 128 -> 128 with ReLU of each task with cross-stitch units,
/// or two experts 64 -> 128 of each task by AdaTT.
void add_stitches(Entries& entries);

} // namespace polytask::benchmarks
