// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/krum.h>

#include "tests/support/errors.h"
#include "tests/support/gramians.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

TEST(Krum, SelectsByTheSquaresOfDistances) {
  // Row 0 is 2 and 2 from its nearest, row 1 is 0.1 and 3.2.
  const auto gramian = testing::gramian_of({{0}, {2}, {-2}, {5.2}, {5.3}});
  const auto selected = [&](bool squared) {
    const auto weights =
        Krum(KrumOptions().byzantine(1).squared(squared)).solve(gramian);
    return std::max_element(weights.begin(), weights.end()) - weights.begin();
  };
  EXPECT_EQ(selected(true), 0);
  EXPECT_EQ(selected(false), 3);
}

TEST(Krum, NeedsMoreTasksThanByzantineOnes) {
  Krum method(KrumOptions().byzantine(2));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.solve(math::Matrix(4)); }),
      {"krum", "at least 5 tasks", "got 4"}));
  method.prepare(5);
  math::Vector weights;
  method.with_tasks({0, 3, 4}, [&] {
    weights = method.solve(testing::gramian_of({{0}, {3}, {4}}));
  });
  EXPECT_EQ(weights, (math::Vector{0, 1, 0}));
}

} // namespace
} // namespace polytask::balancing
