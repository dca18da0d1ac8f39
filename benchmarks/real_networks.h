// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"

namespace polytask::benchmarks {

/// Networks as users have them: deep with dropout, convolutions, a trunk that
/// polytask does not know, heads of several layers; each in plain steps and
/// with balancings.
void add_real_networks(Entries& entries);

} // namespace polytask::benchmarks
