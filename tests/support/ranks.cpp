// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/ranks.h"

#include <gtest/gtest.h>
#include <polytask/distributed/process_group.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include <thread>

namespace polytask::testing {

std::vector<std::string> run_ranks(
    int64_t count, const Rank& rank, std::chrono::milliseconds timeout) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  std::vector<std::string> errors(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      std::string& error = errors[static_cast<size_t>(i)];
      try {
        rank(distributed::from_store(
            store,
            i,
            count,
            distributed::ProcessGroupOptions().timeout(timeout).host(
                "127.0.0.1")));
      } catch (const c10::Error& thrown) {
        error = thrown.what_without_backtrace();
      } catch (const std::exception& thrown) {
        error = thrown.what();
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  return errors;
}

void expect_ranks(int64_t count, const Rank& rank) {
  for (const std::string& error : run_ranks(count, rank)) {
    EXPECT_EQ(error, "");
  }
}

} // namespace polytask::testing
