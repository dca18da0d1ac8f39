// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/communicator.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace polytask::testing {

using Rank = std::function<void(const std::shared_ptr<Communicator>&)>;

/// So many ranks in this process, a thread each, with a store in memory. Gives
/// what each threw, empty where it did not.
std::vector<std::string> run_ranks(
    int64_t count,
    const Rank& rank,
    std::chrono::milliseconds timeout = std::chrono::seconds(60));

/// The same, where none may throw.
void expect_ranks(int64_t count, const Rank& rank);

} // namespace polytask::testing
