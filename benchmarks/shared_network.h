// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// Hard sharing: a trunk d -> h -> h with ReLU and T scalar heads; squared
/// error, Adam.
struct NetworkSize {
  int64_t tasks;
  int64_t rows;
  int64_t features;
  int64_t hidden;
};

void add_shared_networks(Entries& entries, const DataFolder& data);

} // namespace polytask::benchmarks
