// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace polytask::balancing::detail {

/// Throws, naming `who` and `what`, unless there is one value for each task.
void check_one_each(
    const std::vector<double>& values,
    int64_t tasks,
    const std::string& who,
    const std::string& what);

/// The same, and the values are positive (or zero too) and finite.
void check_preference(
    const std::vector<double>& values,
    int64_t tasks,
    const std::string& who,
    const std::string& what,
    bool zero_too = false);

/// Throws, naming `who`, the option, what is expected and what was found.
void check_option(
    bool ok,
    const std::string& who,
    const std::string& option,
    const std::string& expected,
    double found);

/// Throws, naming `who` and the task, unless each loss is above its bound: one
/// for all tasks or one for each. Losses on a device are not looked at.
void check_losses_above(
    const at::Tensor& losses,
    const std::vector<double>& bounds,
    const std::string& who);

/// log(losses). Of a loss so small that one over it would not be finite, as if
/// it were the smallest number of its type, without a slope: such a task is
/// done.
at::Tensor safe_log(const at::Tensor& losses);

} // namespace polytask::balancing::detail
