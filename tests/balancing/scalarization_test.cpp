// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/scalarization/dwa.h>
#include <polytask/balancing/scalarization/famo.h>
#include <polytask/balancing/scalarization/geometric_mean.h>
#include <polytask/balancing/scalarization/imtl_l.h>
#include <polytask/balancing/scalarization/stch.h>
#include <polytask/balancing/scalarization/stch_warmup.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

at::Tensor doubles(std::vector<double> values) {
  return at::tensor(values, at::kDouble);
}

std::unique_ptr<Balancing> made_loss(const std::string& name) {
  return make(name);
}

at::Tensor weights_by(Balancing& method, const at::Tensor& losses) {
  return static_cast<LossBalancing&>(method).weights(losses);
}

/// Methods with a logarithm of the losses.
class PositiveLosses : public ::testing::TestWithParam<const char*> {};

TEST_P(PositiveLosses, AreNeededTaskByTask) {
  for (const double bad : {0.0, -1.0}) {
    const auto method = made_loss(GetParam());
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { weights_by(*method, doubles({1, bad, 1})); }),
        {GetParam(), "above 0", "task 1", "is "}));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    PositiveLosses,
    ::testing::Values("geometric_mean", "scale_invariant", "stch_warmup"));

/// All that take losses alone.
class AnyLosses : public ::testing::TestWithParam<const char*> {};

TEST_P(AnyLosses, GiveFiniteWeights) {
  for (const double scale : {1e-12, 1.0, 1e12}) {
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      for (const int64_t tasks : {1, 2, 40}) {
        const auto method = made_loss(GetParam());
        const auto losses = at::full({tasks}, scale, dtype);
        EXPECT_TRUE(
            at::isfinite(weights_by(*method, losses)).all().item<bool>())
            << scale << ' ' << dtype << ' ' << tasks;
      }
    }
  }
}

TEST_P(AnyLosses, OfHalfPrecisionAreComputedInFloat) {
  for (const auto dtype : {at::kHalf, at::kBFloat16}) {
    const auto losses = at::tensor({100.0, 200.0, 300.0}).to(dtype);
    const auto weights = weights_by(*made_loss(GetParam()), losses);
    EXPECT_EQ(weights.scalar_type(), dtype);
    EXPECT_TRUE(at::allclose(
        weights.to(at::kFloat),
        weights_by(*made_loss(GetParam()), losses.to(at::kFloat)),
        1e-2,
        1e-4))
        << weights;
    const auto value = static_cast<LossBalancing&>(*made_loss(GetParam()))
                           .scalarize(at::full({3}, 5e4, dtype));
    EXPECT_TRUE(at::isfinite(value).all().item<bool>()) << value;
    // The smallest positive half.
    const auto tiny = at::full({3}, 6e-8, dtype).requires_grad_();
    const auto method = made_loss(GetParam());
    EXPECT_TRUE(at::isfinite(weights_by(*method, tiny)).all().item<bool>());
    const auto scalar =
        static_cast<LossBalancing&>(*made_loss(GetParam())).scalarize(tiny);
    const auto gradient = torch::autograd::grad({scalar}, {tiny})[0];
    EXPECT_TRUE(at::isfinite(gradient).all().item<bool>()) << gradient;
  }
}

TEST_P(AnyLosses, OfOneTaskThatAreNotFiniteAreRefused) {
  const auto method = made_loss(GetParam());
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { weights_by(*method, doubles({1, NAN})); }),
      {"task 1"}));
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    AnyLosses,
    ::testing::Values(
        "sum",
        "mean",
        "random",
        "geometric_mean",
        "scale_invariant",
        "uncertainty_weighting",
        "imtl_l",
        "dwa",
        "famo",
        "stch",
        "stch_warmup",
        "cosmos",
        "pbi"));

/// Methods with parameters that an optimizer trains.
class TrainedScales : public ::testing::TestWithParam<const char*> {};

TEST_P(TrainedScales, GetAGradient) {
  const auto method = made_loss(GetParam());
  EXPECT_TRUE(method->parameters().empty());
  method->prepare(2);
  const auto parameters = method->parameters();
  ASSERT_EQ(parameters.size(), 1U);
  const auto value =
      static_cast<LossBalancing&>(*method).scalarize(at::tensor({1.0f, 2.0f}));
  const auto gradient = torch::autograd::grad({value}, parameters)[0];
  EXPECT_TRUE(gradient.abs().sum().item<double>() > 0);
}

TEST_P(TrainedScales, StayTheOptimizersWhenAStateIsLoaded) {
  const auto method = made_loss(GetParam());
  method->prepare(2);
  const auto held = method->parameters()[0];
  auto state = method->state();
  for (auto& [name, tensor] : state) {
    if (tensor.is_floating_point()) {
      tensor = tensor + 1;
    }
  }
  method->load_state(state);
  EXPECT_TRUE(held.is_same(method->parameters()[0]));
  EXPECT_DOUBLE_EQ(held[0].item<double>(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    TrainedScales,
    ::testing::Values("uncertainty_weighting", "imtl_l"));

TEST(GeometricMean, OfManyTasksDoesNotOverflow) {
  // 400 losses of 10: their product would be 1e400.
  const auto losses = at::full({400}, 10.0, at::kDouble);
  EXPECT_NEAR(GeometricMean().scalarize(losses).item<double>(), 10, 1e-12);
}

TEST(FAMO, TakesTheLossesAfterwardsEitherWay) {
  FAMO observing;
  FAMO told;
  const auto before = doubles({1, 2, 3});
  const auto after = doubles({0.9, 1.9, 2.5});
  for (int step = 0; step < 3; ++step) {
    observing.scalarize(before);
    observing.observe_after(after);
    told.scalarize(before, {{"losses_after", after}});
  }
  EXPECT_TRUE(at::allclose(
      observing.state().at("logits"), told.state().at("logits"), 0, 0));
}

TEST(FAMO, WeighsATaskThatFallsSlowlyMore) {
  FAMO method;
  method.scalarize(doubles({1, 1}));
  method.observe_after(doubles({0.5, 0.9}));
  const auto weights = method.weights(doubles({1, 1}));
  EXPECT_LT(weights[0].item<double>(), weights[1].item<double>());
}

TEST(FAMO, TakesALossThatIsAtItsLeast) {
  FAMO method(FAMOOptions().min_losses({0.5, 0.5}));
  const auto weights = method.weights(at::tensor({0.5f, 1.0f}));
  EXPECT_NEAR(weights.sum().item<double>(), 1, 1e-6);
}

TEST(FAMO, NeedsAStepBeforeItObserves) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { FAMO().observe_after(doubles({1, 1})); }),
      {"famo", "observe_after()"}));
}

TEST(FAMO, RefusesALossBelowItsLeast) {
  FAMO method(FAMOOptions().min_losses({0.5, 0.5}));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.scalarize(doubles({1, 0.4})); }),
      {"famo", "above 0.5", "task 1", "is 0.4"}));
}

TEST(DWA, CountsEpochsByTheirNumberToo) {
  DWA counting;
  DWA told;
  at::Tensor expected;
  at::Tensor actual;
  for (int epoch = 0; epoch < 4; ++epoch) {
    const auto losses = doubles({2.0 / (1 + epoch), 2.0 / (1 + epoch * epoch)});
    expected = counting.weights(losses);
    actual = told.weights(losses, {{"epoch", at::tensor(epoch)}});
    counting.end_epoch();
  }
  EXPECT_TRUE(at::allclose(actual, expected, 0, 0));
}

TEST(DWA, WeighsBatchesByTheirSamplesIfToldTheirNumber) {
  DWA method;
  for (int epoch = 0; epoch < 2; ++epoch) {
    // 3 samples of 1 and 1 of 5: a mean of 2, like the other epoch's.
    method.scalarize(doubles({1, 2}), {{"samples", at::tensor(3)}});
    method.scalarize(
        doubles({epoch == 0 ? 5.0 : 1.0, 2}), {{"samples", at::tensor(1)}});
    method.end_epoch();
  }
  // exp(½ / 2) and exp(1 / 2), scaled to the sum 2.
  const auto weights = method.weights(doubles({1, 1}));
  EXPECT_NEAR(
      (weights[0] / weights[1]).item<double>(), std::exp(0.25 - 0.5), 1e-12);
}

TEST(STCH, IsTheLargestDistanceForASmallMu) {
  for (const auto dtype : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    for (const double mu : {1e-3, 1e-30, 1e-300}) {
      const auto losses = at::tensor({100.0, 200.0, 300.0}).to(dtype);
      STCH method(STCHOptions().mu(mu));
      EXPECT_EQ(method.scalarize(losses).item<double>(), 100) << dtype << mu;
      const auto weights = method.weights(losses).to(at::kDouble);
      EXPECT_TRUE(at::allclose(weights, doubles({0, 0, 1.0 / 3}), 1e-2, 0))
          << dtype << ' ' << mu << weights;
    }
  }
}

TEST(STCHWarmup, IsFiniteForASmallMu) {
  STCHWarmup method(STCHWarmupOptions().warmup_epoch(0).mu(1e-300));
  const auto losses = at::tensor({1.0f, 2.0f});
  method.scalarize(losses);
  method.end_epoch();
  const auto weights = method.weights(at::tensor({0.5f, 4.0f}));
  // T softmax(log(L / r) / μ)_k / L_k: the second task's ratio is the larger.
  EXPECT_TRUE(at::allclose(weights, at::tensor({0.0f, 0.5f}))) << weights;
}

TEST(STCHWarmup, NeedsAStepInTheLastEpochOfTheWarmup) {
  STCHWarmup method(STCHWarmupOptions().warmup_epoch(1));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] {
        method.scalarize(doubles({1, 1}), {{"epoch", at::tensor(2)}});
      }),
      {"stch_warmup", "epoch 1", "epoch 2"}));
}

} // namespace
} // namespace polytask::balancing
