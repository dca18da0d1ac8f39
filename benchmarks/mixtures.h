// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/network.h>
#include <polytask/engine/route.h>
#include <polytask/model/multi_task_model.h>
#include <torch/nn/modules/container/sequential.h>

#include <memory>
#include <string>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// Four tasks on 64 inputs and 1,024 rows, with towers 128 -> 64 -> 1, behind
/// experts 64 -> 128 with ReLU: eight of all tasks; or four of all and one of
/// each; or two levels of the latter.
enum class MixtureKind { kMMoE, kCGC, kPLE };

MultiTaskModel mixture_model(MixtureKind kind);

// Its parts, for models like it.
NetworkFactory mixture_expert(int64_t inputs);
torch::nn::Sequential mixture_tower();
MultiTaskModel with_towers(std::shared_ptr<Sharing> sharing);
/// On data of its own, from a model's parameters.
Problem mixture_problem(const MultiTaskModel& model);
/// Joint steps with Adam; `method`: of balancing, empty for the sum.
std::unique_ptr<Contender> adam_training(
    const Problem& problem,
    const MultiTaskModel& model,
    const std::string& method,
    Route route);

void add_mixtures(Entries& entries, const DataFolder& data);

} // namespace polytask::benchmarks
