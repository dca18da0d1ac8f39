// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/gradnorm.h>

#include "tests/support/errors.h"
#include "tests/support/gramians.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

Extras losses_of_gradnorm(const std::vector<double>& losses) {
  return {{"losses", at::tensor(losses, at::kDouble)}};
}

TEST(GradNorm, AddsGradientsUntilTheFirstEpochEnds) {
  GradNorm method;
  const auto gramian = testing::gramian_of({{1, 0}, {0, 8}});
  EXPECT_EQ(
      method.solve(gramian, losses_of_gradnorm({1, 4})), math::Vector(2, 1.0));
  EXPECT_EQ(
      method.solve(gramian, losses_of_gradnorm({3, 2})), math::Vector(2, 1.0));
  method.end_epoch();
  const auto initial = method.state().at("initial_losses");
  EXPECT_EQ(initial[0].item<double>(), 2);
  EXPECT_EQ(initial[1].item<double>(), 3);
  method.solve(gramian, losses_of_gradnorm({2, 3}));
  // The second's gradient is the longer one.
  const auto weights = method.solve(gramian, losses_of_gradnorm({2, 3}));
  EXPECT_GT(weights[0], weights[1]);
  EXPECT_NEAR(weights[0] + weights[1], 2, 1e-12);
}

TEST(GradNorm, WaitsForEveryTasksFirstLoss) {
  GradNorm method;
  method.prepare(2);
  method.with_tasks({0}, [&] {
    method.solve(testing::gramian_of({{1}}), losses_of_gradnorm({1}));
  });
  method.end_epoch();
  EXPECT_FALSE(method.state().contains("initial_losses"));
}

TEST(GradNorm, NeedsInitialLossesAboveZero) {
  GradNorm method;
  const auto gramian = testing::gramian_of({{1, 0}, {0, 8}});
  method.solve(gramian, losses_of_gradnorm({1, 0}));
  method.end_epoch();
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { method.solve(gramian, losses_of_gradnorm({1, 0})); }),
      {"gradnorm", "positive initial losses", "task 1"}));
}

} // namespace
} // namespace polytask::balancing
