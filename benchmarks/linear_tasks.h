// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// T linear tasks on B rows of d features; squared error, plain SGD.
struct LinearSize {
  int64_t tasks;
  int64_t rows;
  int64_t features;
  double learning_rate;
  /// As Entry::steps.
  int64_t steps;
};

/// Both strategies at four sizes. The first is the original job.
void add_linear_tasks(Entries& entries, const DataFolder& data);

/// The contenders of "joint (T,B,d)".
void add_joint_linear(
    Entries& entries, const LinearSize& size, const DataFolder& data);

} // namespace polytask::benchmarks
