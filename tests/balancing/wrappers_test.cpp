// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/every_k_steps.h>
#include <polytask/balancing/gramian/mgda.h>
#include <polytask/balancing/gramian/pcgrad.h>
#include <polytask/balancing/jacobian/db_mtl.h>
#include <polytask/balancing/jacobian/trimmed_mean.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/per_group.h>
#include <polytask/balancing/preference.h>
#include <polytask/balancing/scalarization/equal_weights.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

at::Tensor some_jacobian() {
  return at::randn({3, 6}, at::kDouble);
}

TEST(EveryKSteps, WantsGradientsInEveryKthStep) {
  EveryKSteps method(std::make_unique<PCGrad>(), 3);
  std::vector<bool> wanted;
  for (int step = 0; step < 7; ++step) {
    wanted.push_back(method.wants_gradients());
    if (method.wants_gradients()) {
      method.direction(some_jacobian());
    } else {
      EXPECT_EQ(method.repeat(), method.last_weights());
    }
  }
  EXPECT_EQ(
      wanted,
      (std::vector<bool>{true, false, false, true, false, false, true}));
}

TEST(EveryKSteps, KeepsItsWeightsWhereGradientsComeAnyway) {
  EveryKSteps method(std::make_unique<PCGrad>(), 2);
  method.direction(some_jacobian());
  const auto weights = method.last_weights();
  method.direction(some_jacobian());
  EXPECT_EQ(method.last_weights(), weights);
  method.direction(some_jacobian());
  EXPECT_NE(method.last_weights(), weights);
}

TEST(EveryKSteps, RepeatsTheWeightsOfASavedState) {
  EveryKSteps method(std::make_unique<PCGrad>(), 3);
  method.direction(some_jacobian());
  EveryKSteps loaded(std::make_unique<PCGrad>(), 3);
  loaded.load_state(method.state());
  EXPECT_FALSE(loaded.wants_gradients());
  EXPECT_EQ(loaded.repeat(), method.last_weights());
}

TEST(EveryKSteps, HasNothingToRepeatAtFirst) {
  EveryKSteps method(std::make_unique<PCGrad>(), 3);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.repeat(); }), {"every_k_steps"}));
}

TEST(EveryKSteps, TakesGramianMethodsOnly) {
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [] { EveryKSteps(std::make_unique<EqualWeights>(), 2); }),
      {"every_k_steps", "Gramian", "'sum'"}));
}

TEST(Preference, IsThatOfMultipliedLosses) {
  const auto jacobian = some_jacobian();
  Preference method(std::make_unique<PCGrad>(), {1, 2, 0.5});
  const auto factors = at::tensor({1.0, 2.0, 0.5}).to(at::kDouble);
  EXPECT_TRUE(at::allclose(
      method.direction(jacobian),
      PCGrad().direction(factors.unsqueeze(1) * jacobian)));
}

TEST(Preference, IsPositive) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { Preference(std::make_unique<PCGrad>(), {1, 0}); }),
      {"preference", "task 1", "is 0"}));
}

TEST(PerGroup, BalancesEachBlockOfColumnsByItself) {
  const auto jacobian = some_jacobian();
  PerGroup method(std::make_unique<DBMTL>(), {2, 4});
  DBMTL first;
  DBMTL second;
  for (int step = 0; step < 3; ++step) {
    const Extras extras = {{"losses", at::tensor({1.0, 2.0, 3.0})}};
    EXPECT_TRUE(at::allclose(
        method.direction(jacobian, extras),
        at::cat(
            {first.direction(jacobian.narrow(1, 0, 2), extras),
             second.direction(jacobian.narrow(1, 2, 4), extras)})));
  }
}

TEST(PerGroup, LeavesOutTasksThatDoNotUseABlock) {
  // The third task's zero row would be the whole hull's nearest point to 0.
  PerGroup method(std::make_unique<MGDA>(), {2, 2});
  const auto jacobian =
      at::tensor({3., 0., 1., 1., 0., 4., 2., 2., 0., 0., 5., 5.}).view({3, 4});
  const auto direction = method.direction(jacobian);
  EXPECT_NEAR(direction[0].item<double>(), 48. / 25, 1e-12);
  EXPECT_NEAR(direction[1].item<double>(), 36. / 25, 1e-12);
}

TEST(PerGroup, LearnsItsSizesFromTheFirstCall) {
  const auto jacobian = some_jacobian();
  const Extras extras = {{"parameter_sizes", at::tensor({1, 2, 3})}};
  PerGroup method(std::make_unique<PCGrad>());
  method.direction(jacobian, extras);
  PerGroup loaded(std::make_unique<PCGrad>());
  loaded.load_state(method.state());
  EXPECT_TRUE(at::equal(
      loaded.direction(jacobian, extras), method.direction(jacobian, extras)));
}

TEST(PerGroup, RefusesAStateOfOtherGroups) {
  PerGroup method(std::make_unique<PCGrad>(), {3, 3});
  method.direction(some_jacobian());
  PerGroup other(std::make_unique<PCGrad>(), {2, 2, 2});
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { other.load_state(method.state()); }),
      {"per_group", "3 parts", "one of 2"}));
}

TEST(PerGroup, RefusesSizesOfAnotherSum) {
  PerGroup method(std::make_unique<PCGrad>(), {2, 2});
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.direction(some_jacobian()); }),
      {"per_group", "sum 6", "theirs is 4"}));
}

TEST(PerGroup, TakesAnyKindOfMethod) {
  const auto jacobian = some_jacobian();
  PerGroup sums(std::make_unique<EqualWeights>(), {2, 4});
  EXPECT_TRUE(at::allclose(sums.direction(jacobian), jacobian.sum(0)));
  PerGroup medians(std::make_unique<TrimmedMean>(), {2, 4});
  EXPECT_TRUE(at::allclose(
      medians.direction(jacobian), TrimmedMean().direction(jacobian)));
}

TEST(Wrappers, HandOptionsOnToTheirMethod) {
  EXPECT_EQ(
      make("per_group", {{"method", "trimmed_mean"}, {"trim_number", 2}})
          ->name(),
      "per_group");
  EXPECT_TRUE(testing::says(
      testing::error_of([] {
        make("per_group", {{"method", "trimmed_mean"}, {"trims", 2}});
      }),
      {"trimmed_mean", "'trims'", "'trim'", "'trim_number'"}));
}

} // namespace
} // namespace polytask::balancing
