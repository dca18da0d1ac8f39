// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/batch.h>
#include <polytask/model/multi_task_model.h>

#include <string>
#include <vector>

// What holds for every way to share and every head.
namespace polytask::testing {

/// `features` and `features_of` give the same, and so do `forward` and
/// `forward_task`.
void expect_one_task_as_all(MultiTaskModel model, const Inputs& inputs);

/// A clone has the same names, bits, modes and outputs, and no memory of the
/// original.
void expect_deep_clone(const MultiTaskModel& model, const Inputs& inputs);

/// What was saved of a model makes another one that was made alike equal to it.
void expect_saved_and_loaded(
    const MultiTaskModel& model, MultiTaskModel other, const Inputs& inputs);

/// Of the sharing, exactly `used_parameters` get a gradient from a task's
/// features, and its `task_parameters` are used by no other.
void expect_used_parameters(MultiTaskModel model, const Inputs& inputs);

/// Joint steps lower the sum of the losses.
void expect_learns(const MultiTaskModel& model, const Batch& batch);

/// Alternating steps for one task change its own parameters and no other
/// task's; steps for all in turn lower the sum of the losses.
void expect_learns_in_turn(
    MultiTaskModel model, const Batch& batch, const std::string& task);

/// The engine's own routes go where autograd goes, with and without a balancing
/// that reads the gradients.
void expect_routes_agree(const MultiTaskModel& model, const Batch& batch);

} // namespace polytask::testing
