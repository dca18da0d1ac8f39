// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <string>
#include <vector>

namespace polytask::optim::detail {

/// What an optimizer keeps of these parameters, such as moments, as an archive;
/// it is the same afterwards.
std::string states_of(
    torch::optim::Optimizer& optimizer,
    const std::vector<at::Tensor>& parameters);

/// The same of another optimizer of that kind, for the same parameters. What it
/// keeps of other parameters stays, and so do options.
void load_states(
    torch::optim::Optimizer& optimizer,
    const std::vector<at::Tensor>& parameters,
    const std::string& archive);

} // namespace polytask::optim::detail
