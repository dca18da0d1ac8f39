// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <vector>

#include <polytask/core/network.h>

namespace polytask {

/// The stages of which each task gets its own: each is called once for each
/// task and makes a module that no other has.
///
/// ```cpp
/// polytask::StageFactories stages{
///     [] { return polytask::Network(torch::nn::Linear(21, 64)); },
///     [] { return polytask::Network(torch::nn::Linear(64, 32)); }};
/// ```
using StageFactories = std::vector<NetworkFactory>;

} // namespace polytask
