// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/model/multi_task_model.h>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// Four tasks on 64 inputs and 1,024 rows, with towers 128 -> 64 -> 1, behind
/// experts 64 -> 128 with ReLU: eight of all tasks; or four of all and one of
/// each; or two levels of the latter.
enum class MixtureKind { kMMoE, kCGC, kPLE };

MultiTaskModel mixture_model(MixtureKind kind);

void add_mixtures(Entries& entries);

} // namespace polytask::benchmarks
