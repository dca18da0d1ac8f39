// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <polytask/model/multi_task_model.h>
#include <polytask/optim/grad_scaler.h>
#include <polytask/training/training_state.h>

namespace polytask::detail {

// What `Training::state` consists of. `check_…` throws, by name, where the
// state is not of this model, method or sampler, and changes nothing.

/// Throws, by the first that differs, unless both lists are the same.
void check_same_entries(
    const char* whose,
    const std::vector<std::string>& own,
    const std::vector<std::string>& stored);

void check_state(const TrainingState& state, const std::string& strategy);

void describe_model(const MultiTaskModel& model, TrainingState& state);
void check_model(const MultiTaskModel& model, const TrainingState& state);
/// Weights of tasks, and what is frozen.
void load_model(const MultiTaskModel& model, const TrainingState& state);

void describe_optimizer(
    const torch::optim::Optimizer& optimizer,
    const MultiTaskModel& model,
    TrainingState& state);
/// Checks and loads; if it throws, the optimizer is as it was.
void load_optimizer(
    torch::optim::Optimizer& optimizer,
    const MultiTaskModel& model,
    const TrainingState& state);

void describe_balancing(
    const balancing::Balancing& method, TrainingState& state);
void check_balancing(
    const balancing::Balancing* method, const TrainingState& state);

void check_sampler(const TaskSampler* sampler, const TrainingState& state);

// The scaler may be null.
void describe_scaler(const optim::GradScaler* scaler, TrainingState& state);
void check_scaler(const optim::GradScaler* scaler, const TrainingState& state);
/// Nothing where the state has none.
void load_scaler(optim::GradScaler* scaler, const TrainingState& state);

} // namespace polytask::detail
