// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/balancing/balancing.h>
#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// The tensor of that name, or an undefined one.
at::Tensor find_extra(const Extras& extras, const std::string& name);
/// Throws, naming `who` and what is missing.
at::Tensor need_extra(
    const Extras& extras, const std::string& name, const std::string& who);
/// Losses [T] as the method `who` needs them, checked for their number.
math::Vector need_losses(
    const Extras& extras, int64_t tasks, const std::string& who);
/// An order of tasks for each task, [T][...]: `name` from `extras` where it is,
/// else permutations of all T.
std::vector<std::vector<int64_t>> orders_of(
    const Extras& extras,
    const std::string& name,
    int64_t tasks,
    Random& random);

} // namespace polytask::balancing::detail
