// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"

namespace polytask::benchmarks {

/// Outputs of a mixture of experts for one row at a time, and for 1,024.
void add_predictions(Entries& entries);

} // namespace polytask::benchmarks
