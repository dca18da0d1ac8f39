// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sparse_coo_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/optim/grad_scaler.h>
#include <polytask/optim/scaled_step.h>
#include <torch/cuda.h>
#include <torch/optim/rmsprop.h>
#include <torch/serialize.h>
#include <torch/serialize/archive.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/support/stand_in_device.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::EachDevice;
using ::polytask::testing::error_of;
using ::polytask::testing::says;
using ::polytask::testing::StandInDevice;
using torch::optim::Optimizer;
using Tensors = std::vector<torch::Tensor>;

constexpr float kInfinite = std::numeric_limits<float>::infinity();

GradScalerOptions scale_of(double scale) {
  return GradScalerOptions().init_scale(scale);
}

// One parameter, [1, 1], stepped by plain SGD with a rate of 1.
struct ScaledParameter {
  torch::Tensor parameter = at::ones({2}).requires_grad_();
  torch::optim::SGD optimizer{Tensors{parameter}, 1.0};

  // Scaled gradients of `gradient` for both elements.
  void backward(GradScaler& scaler, float gradient) {
    optimizer.zero_grad();
    scaler.scale(parameter.sum() * gradient).backward();
  }
  void step(GradScaler& scaler, float gradient) {
    backward(scaler, gradient);
    scaler.step(optimizer);
    scaler.update();
  }
};

TEST(GradScaler, BeginsWithPyTorchsDefaults) {
  const GradScaler scaler;
  EXPECT_EQ(scaler.get_scale(), 65536.0);
  EXPECT_EQ(scaler.get_growth_factor(), 2.0);
  EXPECT_EQ(scaler.get_backoff_factor(), 0.5);
  EXPECT_EQ(scaler.get_growth_interval(), 2000);
  EXPECT_EQ(scaler.get_growth_tracker(), 0);
  EXPECT_TRUE(scaler.is_enabled());
  EXPECT_FALSE(scaler.scale_tensor().defined());
}

TEST(GradScaler, MultipliesLossesOfAnyShapeAndDtype) {
  GradScaler scaler(scale_of(8));
  EXPECT_TRUE(at::equal(
      scaler.scale(at::tensor({1.0f, -3.0f})), at::tensor({8.0f, -24.0f})));
  const torch::Tensor wide = scaler.scale(at::full({}, 2.0, at::kDouble));
  EXPECT_EQ(wide.scalar_type(), at::kDouble);
  EXPECT_EQ(wide.item<double>(), 16.0);
  // In half it would be infinite.
  EXPECT_EQ(scaler.scale(at::full({}, 6e4, at::kHalf)).item<float>(), 4.8e5f);
}

TEST(GradScaler, KeepsItsScaleOnTheDeviceOfTheFirstLoss) {
  GradScaler scaler(scale_of(8));
  scaler.scale(at::ones({}));
  EXPECT_TRUE(at::equal(scaler.scale_tensor(), at::full({}, 8.0f)));
}

TEST(GradScaler, StepsByUnscaledGradients) {
  GradScaler scaler;
  ScaledParameter one;
  one.step(scaler, 0.25f);
  EXPECT_TRUE(at::equal(one.parameter, at::full({2}, 0.75f)));
  EXPECT_TRUE(at::equal(one.parameter.grad(), at::full({2}, 0.25f)));
}

TEST(GradScaler, LeavesOutStepsWhoseGradientsAreNotFinite) {
  GradScaler scaler;
  ScaledParameter one;
  for (const float gradient : {kInfinite, -kInfinite, std::nanf(""), 1e36f}) {
    one.step(scaler, gradient);
  }
  EXPECT_TRUE(at::equal(one.parameter, at::ones({2})));
  EXPECT_EQ(scaler.get_scale(), 4096.0);
}

TEST(GradScaler, GrowsAfterAnIntervalWithoutOverflow) {
  GradScaler scaler(
      scale_of(16).growth_factor(4).backoff_factor(0.25).growth_interval(3));
  ScaledParameter one;
  std::vector<double> scales;
  std::vector<int64_t> trackers;
  for (const float gradient : {1.0f, 1.0f, kInfinite, 1.0f, 1.0f, 1.0f, 1.0f}) {
    one.step(scaler, gradient);
    scales.push_back(scaler.get_scale());
    trackers.push_back(scaler.get_growth_tracker());
  }
  EXPECT_EQ(scales, (std::vector<double>{16, 16, 4, 4, 4, 16, 16}));
  EXPECT_EQ(trackers, (std::vector<int64_t>{1, 2, 0, 1, 2, 0, 1}));
}

TEST(GradScaler, GoesByTheFactorsAndTheIntervalThatAreSetLater) {
  GradScaler scaler(scale_of(16));
  scaler.set_growth_interval(1);
  scaler.set_growth_factor(8);
  scaler.set_backoff_factor(0.125);
  ScaledParameter one;
  one.step(scaler, 1.0f);
  EXPECT_EQ(scaler.get_scale(), 128.0);
  one.step(scaler, kInfinite);
  EXPECT_EQ(scaler.get_scale(), 16.0);
}

TEST(GradScaler, TakesANewScale) {
  GradScaler scaler;
  ScaledParameter one;
  one.backward(scaler, 1.0f);
  scaler.step(one.optimizer);
  scaler.update(3.0);
  EXPECT_EQ(scaler.get_scale(), 3.0);
  EXPECT_EQ(scaler.get_growth_tracker(), 0);
  one.step(scaler, 1.0f);
  EXPECT_EQ(scaler.get_scale(), 3.0);
}

TEST(GradScaler, UnscalesGradientsToBeLookedAt) {
  GradScaler scaler;
  ScaledParameter one;
  one.backward(scaler, 0.25f);
  scaler.unscale_(one.optimizer);
  EXPECT_TRUE(at::equal(one.parameter.grad(), at::full({2}, 0.25f)));
  one.parameter.grad().mul_(2);
  scaler.step(one.optimizer);
  scaler.update();
  EXPECT_TRUE(at::equal(one.parameter, at::full({2}, 0.5f)));
}

TEST(GradScaler, GoesByTheGradientsThatWereUnscaled) {
  GradScaler scaler;
  ScaledParameter one;
  one.backward(scaler, kInfinite);
  scaler.unscale_(one.optimizer);
  one.parameter.grad().zero_();
  scaler.step(one.optimizer);
  scaler.update();
  EXPECT_TRUE(at::equal(one.parameter, at::ones({2})));
  EXPECT_EQ(scaler.get_scale(), 32768.0);
}

TEST(GradScaler, UnscalesGradientsOfSeveralDtypes) {
  GradScaler scaler(scale_of(4));
  scaler.scale(at::ones({}));
  Tensors parameters;
  for (const auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const int size : {0, 3}) {
      parameters.push_back(at::ones({size}, dtype).requires_grad_());
      parameters.back().mutable_grad() = at::full({size}, 6.0, dtype);
    }
  }
  torch::optim::SGD optimizer(parameters, 1.0);
  scaler.unscale_(optimizer);
  for (const auto& parameter : parameters) {
    EXPECT_TRUE(parameter.grad().eq(1.5).all().item<bool>())
        << parameter.scalar_type();
  }
}

TEST(GradScaler, FindsOverflowInAGradientOfAnyDtype) {
  for (const auto dtype : {at::kFloat, at::kDouble, at::kBFloat16}) {
    GradScaler scaler(scale_of(4));
    scaler.scale(at::ones({}));
    const torch::Tensor one = at::ones({1}).requires_grad_();
    const torch::Tensor other = at::ones({3}, dtype).requires_grad_();
    one.mutable_grad() = at::ones({1});
    other.mutable_grad() = at::full({3}, kInfinite, dtype);
    torch::optim::SGD optimizer(Tensors{one, other}, 1.0);
    scaler.step(optimizer);
    scaler.update();
    EXPECT_EQ(one.item<float>(), 1.0f) << dtype;
    EXPECT_EQ(scaler.get_scale(), 2.0) << dtype;
  }
}

TEST(GradScaler, UnscalesSparseGradients) {
  GradScaler scaler(scale_of(4));
  scaler.scale(at::ones({}));
  const torch::Tensor parameter = at::ones({3}).requires_grad_();
  const auto set_gradient = [&](float value) {
    parameter.mutable_grad() = at::sparse_coo_tensor(
        at::ones({1, 2}, at::kLong), at::tensor({value, 4.0f}), {3});
  };
  torch::optim::SGD optimizer(Tensors{parameter}, 0.5);
  set_gradient(8);
  scaler.step(optimizer);
  scaler.update();
  EXPECT_TRUE(at::equal(parameter, at::tensor({1.0f, -0.5f, 1.0f})));
  set_gradient(kInfinite);
  scaler.step(optimizer);
  scaler.update();
  EXPECT_TRUE(at::equal(parameter, at::tensor({1.0f, -0.5f, 1.0f})));
}

TEST(GradScaler, LeavesOutTheStepOfThatOptimizerWhoseGradientsOverflow) {
  GradScaler scaler;
  ScaledParameter one;
  ScaledParameter other;
  one.backward(scaler, 0.5f);
  other.backward(scaler, kInfinite);
  scaler.step(one.optimizer);
  scaler.step(other.optimizer);
  scaler.update();
  EXPECT_TRUE(at::equal(one.parameter, at::full({2}, 0.5f)));
  EXPECT_TRUE(at::equal(other.parameter, at::ones({2})));
  EXPECT_EQ(scaler.get_scale(), 32768.0);
}

TEST(GradScaler, GoesByWhatSomebodyElseHasFound) {
  GradScaler scaler;
  ScaledParameter one;
  one.backward(scaler, 1.0f);
  one.parameter.grad().fill_(0.25);
  scaler.mark_unscaled(one.optimizer, at::zeros({}));
  scaler.step(one.optimizer);
  scaler.update();
  EXPECT_TRUE(at::equal(one.parameter, at::full({2}, 0.75f)));
  EXPECT_EQ(scaler.get_growth_tracker(), 1);
  for (const torch::Tensor& found :
       {at::full({1, 1}, true, at::kBool),
        at::full({}, 3.0f),
        at::full({}, std::nan(""), at::kDouble)}) {
    scaler.mark_unscaled(one.optimizer, found);
    scaler.step(one.optimizer);
    scaler.update();
  }
  EXPECT_TRUE(at::equal(one.parameter, at::full({2}, 0.75f)));
  EXPECT_EQ(scaler.get_scale(), 8192.0);
}

TEST(GradScaler, PassesAllThroughIfNotEnabled) {
  GradScaler scaler(GradScalerOptions().enabled(false));
  ScaledParameter one;
  const torch::Tensor loss = one.parameter.sum();
  EXPECT_TRUE(scaler.scale(loss).is_same(loss));
  loss.backward();
  scaler.unscale_(one.optimizer);
  scaler.unscale_(one.optimizer);
  scaler.mark_unscaled(one.optimizer, at::ones({}));
  EXPECT_TRUE(at::equal(one.parameter.grad(), at::ones({2})));
  scaler.step(one.optimizer);
  EXPECT_TRUE(at::equal(one.parameter, at::zeros({2})));
  one.parameter.grad().fill_(kInfinite);
  scaler.step(one.optimizer);
  scaler.update();
  EXPECT_FALSE(at::equal(one.parameter, at::zeros({2})));
  EXPECT_EQ(scaler.get_scale(), 1.0);
  EXPECT_FALSE(scaler.is_enabled());
}

TEST(GradScaler, CanBeMovedButNotCopied) {
  EXPECT_FALSE(std::is_copy_constructible_v<GradScaler>);
  GradScaler first(scale_of(16));
  ScaledParameter one;
  one.backward(first, 1.0f);
  first.unscale_(one.optimizer);
  GradScaler second(std::move(first));
  second.step(one.optimizer);
  second.update();
  EXPECT_TRUE(at::equal(one.parameter, at::zeros({2})));
  EXPECT_EQ(second.get_growth_tracker(), 1);
}

TEST(GradScaler, RefusesOptionsOutOfRange) {
  const auto made = [](const GradScalerOptions& options) {
    return error_of([&] { GradScaler scaler(options); });
  };
  for (const double scale : {0.0, -1.0, std::nan(""), 1e300, 1e-300}) {
    EXPECT_TRUE(says(
        made(scale_of(scale)),
        {"GradScaler: expected a scale that is finite and positive in float"}))
        << scale;
  }
  EXPECT_TRUE(says(
      made(GradScalerOptions().growth_factor(1)),
      {"GradScaler: expected a growth_factor above 1, but got 1."}));
  EXPECT_TRUE(says(
      made(GradScalerOptions().backoff_factor(1)),
      {"GradScaler: expected a backoff_factor in (0, 1), but got 1."}));
  EXPECT_TRUE(says(
      made(GradScalerOptions().growth_interval(0)),
      {"GradScaler: expected a growth_interval of at least 1, but got 0."}));
  GradScaler scaler;
  EXPECT_TRUE(says(
      error_of([&] { scaler.set_growth_factor(0.5); }), {"growth_factor"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.set_backoff_factor(0); }), {"backoff_factor"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.set_growth_interval(-1); }), {"growth_interval"}));
  EXPECT_EQ(scaler.get_growth_interval(), 2000);
}

TEST(GradScaler, RefusesAllElseBeforeTheFirstScale) {
  GradScaler scaler;
  ScaledParameter one;
  one.parameter.mutable_grad() = at::ones({2});
  EXPECT_TRUE(says(
      error_of([&] { scaler.unscale_(one.optimizer); }),
      {"GradScaler: expected a call of scale before unscale_"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.mark_unscaled(one.optimizer, at::zeros({})); }),
      {"GradScaler: expected a call of scale before mark_unscaled"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.step(one.optimizer); }),
      {"GradScaler: expected a call of scale before step"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.update(); }),
      {"GradScaler: expected a call of scale before update"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.scale(torch::Tensor()); }),
      {"GradScaler: expected a loss to scale"}));
}

TEST(GradScaler, RefusesToUnscaleOrStepTwice) {
  GradScaler scaler;
  ScaledParameter one;
  one.backward(scaler, 1.0f);
  scaler.unscale_(one.optimizer);
  EXPECT_TRUE(says(
      error_of([&] { scaler.unscale_(one.optimizer); }),
      {"GradScaler: expected unscale_ once for an optimizer between updates",
       "its gradients were unscaled already; call update first"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.mark_unscaled(one.optimizer, at::zeros({})); }),
      {"expected mark_unscaled once", "were unscaled already"}));
  scaler.step(one.optimizer);
  EXPECT_TRUE(says(
      error_of([&] { scaler.unscale_(one.optimizer); }),
      {"before its step, but its gradients were stepped by already"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.step(one.optimizer); }),
      {"GradScaler: expected step once for an optimizer between updates, but "
       "it was called already; call update first."}));
  EXPECT_TRUE(at::equal(one.parameter, at::zeros({2})));
  scaler.update();
  scaler.step(one.optimizer);
}

TEST(GradScaler, RefusesAnUpdateWithoutGradientsThatWereLookedAt) {
  GradScaler scaler;
  ScaledParameter one;
  one.step(scaler, 1.0f);
  EXPECT_TRUE(says(
      error_of([&] { scaler.update(); }),
      {"GradScaler: expected a call of step or unscale_ since the last update, "
       "but there was none."}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.update(-2.0); }),
      {"GradScaler: expected a scale that is finite and positive", "got -2"}));
  EXPECT_EQ(scaler.get_scale(), 65536.0);
  EXPECT_EQ(scaler.get_growth_tracker(), 1);
}

TEST(GradScaler, RefusesToStepAnOptimizerWithoutGradients) {
  GradScaler scaler;
  scaler.scale(at::ones({}));
  ScaledParameter one;
  FusedSGD fused(Tensors{one.parameter}, 1.0);
  for (Optimizer* optimizer :
       {static_cast<Optimizer*>(&one.optimizer),
        static_cast<Optimizer*>(&fused)}) {
    EXPECT_TRUE(says(
        error_of([&] { scaler.step(*optimizer); }),
        {"GradScaler: expected an optimizer with gradients to step"}));
  }
}

TEST(GradScaler, RefusesGradientsThatItCannotUnscaleAndChangesNone) {
  const auto refused = [](const torch::Tensor& other) {
    GradScaler scaler(scale_of(4));
    scaler.scale(at::ones({}));
    const torch::Tensor one = at::ones({2}).requires_grad_();
    one.mutable_grad() = at::ones({2});
    other.requires_grad_();
    other.mutable_grad() = other.detach().clone();
    torch::optim::SGD optimizer(Tensors{one, other}, 1.0);
    const auto error = error_of([&] { scaler.unscale_(optimizer); });
    EXPECT_TRUE(at::equal(one.grad(), at::ones({2})));
    EXPECT_EQ(error, error_of([&] { scaler.step(optimizer); }));
    FusedSGD fused(Tensors{one, other}, 1.0);
    EXPECT_EQ(error, error_of([&] { scaler.step(fused); }));
    EXPECT_TRUE(at::equal(one, at::ones({2})));
    return error;
  };
  EXPECT_TRUE(says(
      refused(at::ones({2}, at::kHalf)),
      {"GradScaler: expected gradients in float, double or bfloat16 to unscale",
       "but got Half",
       "keep parameters in float"}));
  EXPECT_TRUE(
      says(refused(at::ones({2}, at::kComplexFloat)), {"but got Complex"}));
  EXPECT_TRUE(says(
      refused(at::ones({2, 2}).to_sparse_csr()),
      {"expected gradients that are dense or sparse by coordinates",
       "but got SparseCsr"}));
}

TEST(GradScaler, RefusesWhatIsNoFoundInf) {
  GradScaler scaler;
  ScaledParameter one;
  one.backward(scaler, 1.0f);
  EXPECT_TRUE(says(
      error_of([&] { scaler.mark_unscaled(one.optimizer, at::ones({2})); }),
      {"GradScaler: expected found_inf to be a tensor of one element, but got "
       "one of shape [2]."}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.mark_unscaled(one.optimizer, torch::Tensor()); }),
      {"but got an undefined one"}));
}

std::string scaler_archive(const GradScaler& scaler) {
  std::ostringstream stream;
  torch::save(scaler, stream);
  return stream.str();
}

void load_scaler(GradScaler& scaler, const std::string& text) {
  std::istringstream stream(text);
  torch::load(scaler, stream);
}

TEST(GradScaler, GoesOnFromItsArchiveBitForBit) {
  const auto options =
      scale_of(1000.1).growth_factor(1.7).backoff_factor(0.3).growth_interval(
          3);
  GradScaler whole(options);
  ScaledParameter one;
  for (const float gradient : {1.0f, kInfinite, 1.0f, 1.0f}) {
    one.step(whole, gradient);
  }
  // One that has not scaled yet, and one that has.
  GradScaler unused;
  GradScaler used;
  one.step(used, 1.0f);
  for (GradScaler* resumed : {&unused, &used}) {
    load_scaler(*resumed, scaler_archive(whole));
    EXPECT_EQ(resumed->get_growth_factor(), 1.7);
    EXPECT_EQ(resumed->get_backoff_factor(), 0.3);
    EXPECT_EQ(resumed->get_growth_interval(), 3);
    EXPECT_EQ(scaler_archive(*resumed), scaler_archive(whole));
  }
  for (int step = 0; step < 10; ++step) {
    for (GradScaler* scaler : {&whole, &unused, &used}) {
      one.step(*scaler, step == 5 ? kInfinite : 1.0f);
      EXPECT_EQ(scaler->get_scale(), whole.get_scale());
      EXPECT_EQ(scaler->get_growth_tracker(), whole.get_growth_tracker());
    }
  }
  EXPECT_NE(whole.get_scale(), 1000.1);
}

TEST(GradScaler, BeginsAnIterationWhenItIsLoaded) {
  GradScaler scaler(scale_of(16));
  ScaledParameter one;
  one.backward(scaler, 1.0f);
  scaler.unscale_(one.optimizer);
  load_scaler(scaler, scaler_archive(scaler));
  one.step(scaler, 1.0f);
  EXPECT_TRUE(at::equal(one.parameter, at::zeros({2})));
}

TEST(GradScaler, IsSavedBeforeItsFirstUse) {
  GradScaler scaler;
  load_scaler(scaler, scaler_archive(GradScaler(scale_of(0.1))));
  EXPECT_EQ(scaler.get_scale(), 0.1);
}

TEST(GradScaler, RefusesTheArchiveOfOneThatWasNotEnabled) {
  const GradScaler off(GradScalerOptions().enabled(false));
  GradScaler scaler;
  EXPECT_TRUE(says(
      error_of([&] { load_scaler(scaler, scaler_archive(off)); }),
      {"GradScaler: expected the archive of a scaler that was enabled, but "
       "found one that was not enabled."}));
}

TEST(GradScaler, ReadsNoArchiveIfNotEnabled) {
  GradScaler off(GradScalerOptions().enabled(false));
  load_scaler(off, scaler_archive(GradScaler(scale_of(3))));
  EXPECT_EQ(off.get_scale(), 1.0);
}

TEST(GradScaler, RefusesAForeignArchiveWithNothingChanged) {
  using Values = std::vector<std::pair<std::string, c10::IValue>>;
  GradScaler scaler(scale_of(16));
  ScaledParameter one;
  one.step(scaler, 1.0f);
  const std::string before = scaler_archive(scaler);
  const auto refused = [&](const Values& values) {
    torch::serialize::OutputArchive archive;
    for (const auto& [key, value] : values) {
      archive.write(key, value);
    }
    std::ostringstream stream;
    archive.save_to(stream);
    const auto error = error_of([&] { load_scaler(scaler, stream.str()); });
    EXPECT_EQ(scaler_archive(scaler), before);
    return error;
  };
  const auto with = [](const std::vector<double>& numbers,
                       int64_t interval,
                       int64_t tracker) {
    return Values{
        {"grad_scaler", "enabled"},
        {"scale_and_factors", numbers},
        {"growth_interval", interval},
        {"growth_tracker", tracker}};
  };
  EXPECT_TRUE(says(
      refused({{"scheduler", "StepScheduler"}}),
      {"GradScaler: expected the text 'grad_scaler' in the archive"}));
  EXPECT_TRUE(says(
      refused({{"grad_scaler", "enabled"}, {"scale_and_factors", 1}}),
      {"expected the numbers 'scale_and_factors'", "found Int"}));
  EXPECT_TRUE(says(
      refused(with({4.0, 2.0}, 3, 0)),
      {"expected 3 numbers 'scale_and_factors'", "found 2"}));
  EXPECT_TRUE(says(
      refused(with({-4.0, 2.0, 0.5}, 3, 0)), {"expected a scale", "got -4"}));
  EXPECT_TRUE(
      says(refused(with({4.0, 2.0, 0.5}, 0, 0)), {"growth_interval", "got 0"}));
  EXPECT_TRUE(says(
      refused(with({4.0, 2.0, 0.5}, 3, -1)), {"growth_tracker", "got -1"}));
}

// Tells what it is told.
class ToldOptimizer : public torch::optim::SGD, public ScaledStep {
 public:
  using SGD::SGD;
  void step_scaled(
      const at::Tensor& grad_scale, const at::Tensor& found_inf) override {
    told_scale = grad_scale.defined() ? grad_scale.item<float>() : 0.0f;
    told_inf = found_inf.item<float>();
  }
  float told_scale = -1;
  float told_inf = -1;
};

TEST(ScaledStep, IsToldTheScaleUnlessGradientsAreUnscaled) {
  GradScaler scaler(scale_of(16));
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  ToldOptimizer optimizer(Tensors{parameter}, 1.0);
  const auto backward = [&](float gradient) {
    optimizer.zero_grad();
    scaler.scale(parameter.sum() * gradient).backward();
  };
  backward(1);
  scaler.step(optimizer);
  EXPECT_EQ(optimizer.told_scale, 16.0f);
  EXPECT_EQ(optimizer.told_inf, 0.0f);
  EXPECT_TRUE(at::equal(parameter.grad(), at::full({2}, 16.0f)));
  scaler.update();
  backward(kInfinite);
  scaler.unscale_(optimizer);
  scaler.step(optimizer);
  EXPECT_EQ(optimizer.told_scale, 0.0f);
  EXPECT_EQ(optimizer.told_inf, 1.0f);
}

// What each optimizer does on each device.
struct ScaledCase {
  std::string name;
  bool is_fused;
  std::function<std::unique_ptr<Optimizer>(Tensors)> make;
};

std::ostream& operator<<(std::ostream& stream, const ScaledCase& each) {
  return stream << each.name;
}

template <typename Kind, typename Options>
ScaledCase scaled_case(std::string name, const Options& options) {
  return {
      std::move(name),
      std::is_base_of_v<ScaledStep, Kind>,
      [options](Tensors parameters) {
        return std::make_unique<Kind>(std::move(parameters), options);
      }};
}

std::vector<ScaledCase> scaled_cases() {
  using namespace torch::optim;
  return {
      scaled_case<FusedSGD>("SGD", SGDOptions(0.1)),
      scaled_case<FusedSGD>(
          "Momentum", SGDOptions(0.1).momentum(0.9).nesterov(true)),
      scaled_case<FusedSGD>(
          "Dampened",
          SGDOptions(0.1).momentum(0.9).dampening(0.4).weight_decay(0.1)),
      scaled_case<FusedAdam>(
          "Adam", AdamOptions(0.1).amsgrad(true).weight_decay(0.1)),
      scaled_case<FusedAdamW>("AdamW", AdamWOptions(0.1)),
      scaled_case<torch::optim::SGD>(
          "LibTorchsSGD", SGDOptions(0.1).momentum(0.9).dampening(0.4)),
      scaled_case<RMSprop>("RMSprop", RMSpropOptions(0.1))};
}

// For the fused kernels, but the last, which has gaps in memory.
Tensors scaled_parameters(const torch::Device& device) {
  torch::manual_seed(6);
  Tensors made = {
      at::randn({7, 5}).to(device),
      at::randn({}).to(device),
      at::randn({6, 9}).to(device).t(),
      at::randn({8, 6}).to(device).slice(1, 0, 6, 2)};
  for (auto& parameter : made) {
    parameter.requires_grad_();
  }
  return made;
}

// The third has other strides than its parameter.
void set_scaled_gradients(
    const Tensors& parameters, int step, double scale = 1) {
  torch::manual_seed(100 + step);
  for (const auto& parameter : parameters) {
    parameter.mutable_grad() =
        at::randn(parameter.sizes()).mul_(scale).to(parameter.device());
  }
}

void overflow(const torch::Tensor& parameter) {
  parameter.grad().view({-1})[0].fill_(kInfinite);
}

void expect_same(const Tensors& some, const Tensors& others) {
  for (size_t i = 0; i < some.size(); ++i) {
    EXPECT_TRUE(at::equal(some[i].cpu(), others[i].cpu())) << i;
    EXPECT_TRUE(at::equal(some[i].grad().cpu(), others[i].grad().cpu())) << i;
  }
}

class ScaledSteps
    : public ::testing::TestWithParam<std::tuple<ScaledCase, std::string>> {
 protected:
  void SetUp() override {
    if (device().is_cuda() && !torch::cuda::is_available()) {
      GTEST_SKIP() << "no CUDA device";
    }
  }
  static torch::Device device() {
    return torch::Device(std::get<1>(GetParam()));
  }
  static std::unique_ptr<Optimizer> make(const Tensors& parameters) {
    return std::get<0>(GetParam()).make(parameters);
  }
};

// By powers of two nothing is rounded.
TEST_P(ScaledSteps, HaveTheBitsOfUnscaledOnes) {
  const Tensors own = scaled_parameters(device());
  const Tensors twins = scaled_parameters(device());
  const auto optimizer = make(own);
  const auto twin = make(twins);
  GradScaler scaler(scale_of(1024).growth_interval(3));
  scaler.scale(at::ones({}, device()));
  for (int step = 0; step < 12; ++step) {
    set_scaled_gradients(own, step, scaler.get_scale());
    set_scaled_gradients(twins, step);
    if (step % 4 == 3) {
      scaler.unscale_(*optimizer);
    }
    scaler.step(*optimizer);
    scaler.update();
    twin->step();
    expect_same(own, twins);
  }
  EXPECT_EQ(scaler.get_scale(), 16384.0);
}

// State and numbers of steps, too: else later steps would differ.
TEST_P(ScaledSteps, GoOnAsIfThoseThatOverflowedHadNotBeen) {
  const Tensors own = scaled_parameters(device());
  const Tensors twins = scaled_parameters(device());
  const auto optimizer = make(own);
  const auto twin = make(twins);
  GradScaler scaler(scale_of(1024));
  scaler.scale(at::ones({}, device()));
  for (int step = 0; step < 12; ++step) {
    set_scaled_gradients(own, step, scaler.get_scale());
    // The first ones, several in a row, each parameter.
    const bool overflows = step < 2 || step == 5 || step == 6 || step == 9;
    if (overflows) {
      overflow(own[static_cast<size_t>(step) % own.size()]);
    }
    if (step % 2 == 1) {
      scaler.unscale_(*optimizer);
    }
    scaler.step(*optimizer);
    scaler.update();
    if (overflows) {
      for (size_t i = 0; i < own.size(); ++i) {
        twins[i].mutable_grad() = own[i].grad();
      }
    } else {
      set_scaled_gradients(twins, step);
      twin->step();
    }
    expect_same(own, twins);
  }
  EXPECT_EQ(scaler.get_scale(), 32.0);
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers,
    ScaledSteps,
    ::testing::Combine(
        ::testing::ValuesIn(scaled_cases()), ::testing::Values("cpu", "cuda")),
    [](const auto& each) {
      return std::get<0>(each.param).name + "_" + std::get<1>(each.param);
    });

class WaitsOfScaledSteps : public ::testing::TestWithParam<ScaledCase> {};

TEST_P(WaitsOfScaledSteps, AreNoneWhereTheOptimizerIsFusedAndElseOne) {
  if (!StandInDevice::is_registered()) {
    GTEST_SKIP() << "copies are counted on the stand-in device";
  }
  Tensors own = scaled_parameters(torch::kCUDA);
  own.pop_back();
  const auto optimizer = GetParam().make(own);
  GradScaler scaler(scale_of(1024));
  for (int step = 0; step < 6; ++step) {
    scaler.scale(at::ones({}, torch::kCUDA));
    set_scaled_gradients(own, step, scaler.get_scale());
    if (step == 1 || step == 4) {
      overflow(own[0]);
    }
    StandInDevice::take_copies_to_host();
    if (step > 2) {
      scaler.unscale_(*optimizer);
    }
    scaler.step(*optimizer);
    scaler.update();
    // Whether it is the first depends on what the device has found.
    const bool first_dampened = step == 0 && GetParam().name == "Dampened";
    EXPECT_EQ(
        StandInDevice::take_copies_to_host(),
        GetParam().is_fused && !first_dampened ? 0 : 1)
        << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers,
    WaitsOfScaledSteps,
    ::testing::ValuesIn(scaled_cases()),
    [](const auto& each) { return each.param.name; });

class GradScalerOnDevice : public EachDevice {};

TEST_P(GradScalerOnDevice, LeavesTheNumbersOfStepsAsTheyWere) {
  const torch::Tensor parameter = at::ones({2}, device()).requires_grad_();
  FusedAdam optimizer(Tensors{parameter}, torch::optim::AdamOptions(0.1));
  GradScaler scaler;
  for (const float gradient : {kInfinite, 1.0f, kInfinite, 1.0f, 1.0f}) {
    optimizer.zero_grad();
    scaler.scale(parameter.sum() * gradient).backward();
    scaler.step(optimizer);
    scaler.update();
  }
  optimizer.synchronize_steps();
  EXPECT_EQ(
      static_cast<const torch::optim::AdamParamState&>(
          *optimizer.state().at(parameter.unsafeGetTensorImpl()))
          .step(),
      3);
}

// With double on the device and without.
TEST_P(GradScalerOnDevice, UnscalesWithTheBitsOfTheHost) {
  SCOPED_TRACE(StandInDevice::has_float64() ? "double" : "no double");
  const auto unscaled = [](const torch::Device& device) {
    GradScaler scaler(scale_of(1000.1));
    scaler.scale(at::ones({}, device));
    const torch::Tensor parameter = at::ones({50}, device).requires_grad_();
    FusedSGD optimizer(Tensors{parameter}, 1.0);
    set_scaled_gradients({parameter}, 1);
    scaler.unscale_(optimizer);
    return parameter.grad().cpu();
  };
  EXPECT_TRUE(at::equal(unscaled(device()), unscaled(at::kCPU)));
}

TEST_P(GradScalerOnDevice, StepsSparseGradientsByFusedSGD) {
  if (device().is_cuda() && StandInDevice::is_registered()) {
    GTEST_SKIP() << "the stand-in device has no sparse tensors";
  }
  GradScaler scaler(scale_of(4));
  scaler.scale(at::ones({}, device()));
  const torch::Tensor parameter = at::ones({3}, device()).requires_grad_();
  const torch::Tensor other = at::ones({1}, device()).requires_grad_();
  FusedSGD optimizer(Tensors{parameter, other}, 0.5);
  for (const float value : {8.0f, kInfinite}) {
    parameter.mutable_grad() =
        at::sparse_coo_tensor(
            at::ones({1, 1}, at::kLong), at::full({1}, value), {3})
            .to(device());
    other.mutable_grad() = at::full({1}, 4.0f, device());
    scaler.step(optimizer);
    scaler.update();
    EXPECT_TRUE(at::equal(parameter.cpu(), at::tensor({1.0f, 0.0f, 1.0f})));
    EXPECT_EQ(other.item<float>(), 0.5f);
  }
}

// PyTorch adds up what it has found: two overflows look like none to kernels.
TEST_P(GradScalerOnDevice, LooksAtGradientsOnSeveralDevices) {
  for (const bool unscale : {false, true}) {
    for (const int overflows : {0, 1, 2, 3}) {
      Tensors parameters = {
          at::ones({2}).requires_grad_(),
          at::ones({2}, device()).requires_grad_()};
      for (int i = 0; i < 2; ++i) {
        const float gradient = (overflows >> i) % 2 ? kInfinite : 2.0f;
        parameters[i].mutable_grad() = at::full(
            {2}, gradient, parameters[i].options().requires_grad(false));
      }
      FusedAdamW optimizer(
          parameters, torch::optim::AdamWOptions(0.5).weight_decay(0));
      GradScaler scaler(scale_of(4));
      scaler.scale(at::ones({}, device()));
      if (unscale) {
        scaler.unscale_(optimizer);
      }
      scaler.step(optimizer);
      scaler.update();
      for (const auto& parameter : parameters) {
        EXPECT_NEAR(parameter[0].item<float>(), overflows ? 1.0f : 0.5f, 1e-6f);
      }
      EXPECT_EQ(scaler.get_scale(), overflows ? 2.0 : 4.0);
    }
  }
}

TEST_P(GradScalerOnDevice, ScalesLossesOnOtherDevicesThanTheFirst) {
  GradScaler scaler(scale_of(4));
  scaler.scale(at::ones({}, device()));
  EXPECT_EQ(scaler.scale_tensor().device().type(), device().type());
  EXPECT_EQ(scaler.scale(at::ones({})).item<float>(), 4.0f);
}

// The division happens in float, within the kernel.
TEST_P(GradScalerOnDevice, StepsParametersInHalfWhereAKernelDoes) {
  if (!device().is_cuda()) {
    GTEST_SKIP() << "no kernel for half on a CPU";
  }
  const torch::Tensor parameter =
      at::zeros({5}, at::TensorOptions(device()).dtype(at::kHalf))
          .requires_grad_();
  parameter.mutable_grad() = at::full_like(parameter.detach(), 6e-8);
  FusedSGD optimizer(Tensors{parameter}, 6e4);
  GradScaler scaler(scale_of(4096));
  scaler.scale(at::ones({}, device()));
  EXPECT_TRUE(
      says(error_of([&] { scaler.unscale_(optimizer); }), {"but got Half"}));
  scaler.step(optimizer);
  EXPECT_NEAR(parameter[0].item<float>(), -6e4 * 6e-8 / 4096, 6e-8);
}

POLYTASK_ON_EACH_DEVICE(GradScalerOnDevice);

} // namespace
} // namespace polytask::optim
