// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/cr_mogm.h>
#include <polytask/balancing/gramian/mgda.h>
#include <polytask/balancing/gramian/modo.h>

#include "tests/support/gramians.h"

namespace polytask::balancing {
namespace {

TEST(CRMOGM, AveragesTheWeightsOfAMethod) {
  const auto first = testing::gramian_of({{1, 0}, {0, 2}});
  const auto second = testing::gramian_of({{3, 0}, {0, 1}});
  CRMOGM method(std::make_unique<MGDA>(), CRMOGMOptions().alpha(0.75));
  EXPECT_EQ(method.solve(first), MGDA().solve(first));
  auto expected = MGDA().solve(second);
  for (size_t i = 0; i < 2; ++i) {
    expected[i] = 0.25 * expected[i] + 0.75 * MGDA().solve(first)[i];
  }
  EXPECT_LT(testing::largest_difference(method.solve(second), expected), 1e-15);
}

TEST(CRMOGM, KeepsTheWeightsOfAbsentTasks) {
  CRMOGM method(
      std::make_unique<MGDA>(),
      CRMOGMOptions().alpha(1).initial_weights({1, 2, 3}));
  method.prepare(3);
  math::Vector weights;
  method.with_tasks({0, 2}, [&] {
    weights = method.solve(testing::gramian_of({{1, 0}, {0, 1}}));
  });
  EXPECT_EQ(weights, (math::Vector{1, 3}));
  EXPECT_EQ(method.solve(math::Matrix(3)), (math::Vector{1, 2, 3}));
}

TEST(CRMOGM, NeedsTheBatchesOfItsMethod) {
  EXPECT_EQ(CRMOGM(std::make_unique<MoDo>()).batches(), 3);
  EXPECT_FALSE(CRMOGM(std::make_unique<MoDo>()).is_symmetric());
}

} // namespace
} // namespace polytask::balancing
