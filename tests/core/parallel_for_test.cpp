// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/parallel_for.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "tests/support/threads.h"

namespace polytask::detail {
namespace {

using testing::Threads;

TEST(ParallelFor, TakesTheThreadsThatLibTorchHas) {
  if (!has_parallel_for()) {
    GTEST_SKIP() << "polytask was compiled without OpenMP";
  }
  const Threads threads(2);
  std::atomic<int> calls{0};
  std::array<std::thread::id, 2> ids;
  parallel_for(0, 2, 1, [&](int64_t begin, int64_t end) {
    ++calls;
    for (int64_t i = begin; i < end; ++i) {
      ids[static_cast<size_t>(i)] = std::this_thread::get_id();
    }
  });
  EXPECT_EQ(calls, 2);
  EXPECT_NE(ids[0], ids[1]);
}

TEST(ParallelFor, GivesThreadsTheCallersState) {
  const Threads threads(2);
  for (const bool is_enabled : {false, true}) {
    const torch::AutoGradMode mode(is_enabled);
    std::array<bool, 2> seen{!is_enabled, !is_enabled};
    parallel_for(0, 2, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        seen[static_cast<size_t>(i)] = torch::GradMode::is_enabled();
      }
    });
    EXPECT_EQ(seen, (std::array{is_enabled, is_enabled}));
  }
}

TEST(ParallelFor, ThrowsWhatAThreadThrew) {
  const Threads threads(2);
  const auto fail = [](int64_t, int64_t end) {
    if (end == 2) {
      throw std::runtime_error("of the last part");
    }
  };
  EXPECT_THROW(parallel_for(0, 2, 1, fail), std::runtime_error);
}

} // namespace
} // namespace polytask::detail
