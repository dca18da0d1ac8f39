// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/model/multi_task_model.h>

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

MultiTaskModel network_model(const NetworkSize& size);

/// The data of a job of this size.
LazyProblem network_data(
    const NetworkSize& size, const DataFolder& data, const std::string& job);

void add_shared_networks(Entries& entries, const DataFolder& data);

} // namespace polytask::benchmarks
