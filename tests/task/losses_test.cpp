// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <polytask/task/loss.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/gaussian_nll.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/l1.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/losses/pinball.h>
#include <polytask/task/losses/poisson_nll.h>

#include <limits>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

enum class LabelKind { kReal, kShare, kCount, kClass };

struct LossCase {
  std::string name;
  Loss loss;
  std::vector<int64_t> output; // shape, 6 rows
  std::vector<int64_t> target;
  LabelKind kind = LabelKind::kReal;
};

std::ostream& operator<<(std::ostream& stream, const LossCase& each) {
  return stream << each.name;
}

struct LossAndGradient {
  at::Tensor loss;
  at::Tensor gradient; // with respect to the output
};

LossAndGradient loss_and_gradient(
    const Loss& loss, const at::Tensor& output, const Labels& labels) {
  at::Tensor leaf = output.detach().clone().requires_grad_();
  at::Tensor value = loss(leaf, labels);
  value.backward();
  return {value.detach(), leaf.grad()};
}

LossAndGradient loss_and_gradient(
    const Loss& loss, const at::Tensor& output, const at::Tensor& target) {
  return loss_and_gradient(loss, output, Labels(target));
}

at::Tensor some_labels(const LossCase& each) {
  switch (each.kind) {
    case LabelKind::kShare:
      return at::rand(each.target, at::kDouble);
    case LabelKind::kCount:
      return at::randint(0, 9, each.target, at::kDouble);
    case LabelKind::kClass:
      return at::randint(0, 4, each.target, at::kLong);
    default:
      return at::randn(each.target, at::kDouble);
  }
}

class LossSuite : public ::testing::TestWithParam<LossCase> {
 protected:
  void remove_labels(const at::Tensor& rows) {
    if (target.is_floating_point()) {
      target.index_fill_(0, rows, std::numeric_limits<double>::quiet_NaN());
    } else {
      const auto* entropy = loss.as<CrossEntropyLoss>();
      target.index_fill_(0, rows, entropy->ignore_index());
    }
  }

  const Loss loss = GetParam().loss;
  at::Tensor output = at::randn(GetParam().output, at::kDouble);
  at::Tensor target = some_labels(GetParam());
  const at::Tensor present = at::tensor({0, 2, 3, 5}, at::kLong);
  const at::Tensor missing = at::tensor({1, 4}, at::kLong);
};

using EveryLoss = LossSuite;

TEST_P(EveryLoss, EqualsTheOneOfThePresentRows) {
  remove_labels(missing);
  const auto all = loss_and_gradient(loss, output, target);
  const auto rows = loss_and_gradient(
      loss, output.index_select(0, present), target.index_select(0, present));
  // float64, summed in another order.
  EXPECT_TRUE(at::allclose(all.loss, rows.loss, 1e-12, 1e-12));
  EXPECT_TRUE(at::allclose(
      all.gradient.index_select(0, present), rows.gradient, 1e-12, 1e-12));
}

TEST_P(EveryLoss, HasNoGradientWhereLabelsAreMissing) {
  remove_labels(missing);
  const at::Tensor gradient =
      loss_and_gradient(loss, output, target).gradient.index_select(0, missing);
  EXPECT_TRUE(at::equal(gradient, at::zeros_like(gradient)));
}

TEST_P(EveryLoss, DoesNotCareForAnOverflowWhereLabelsAreMissing) {
  remove_labels(missing);
  const auto before = loss_and_gradient(loss, output, target);
  // exp(1000) is infinite, and 0 · inf would be NaN.
  output[1].fill_(1000);
  output[4].fill_(-1000);
  const auto after = loss_and_gradient(loss, output, target);
  EXPECT_TRUE(at::equal(after.loss, before.loss));
  EXPECT_TRUE(at::equal(after.gradient, before.gradient));
}

TEST_P(EveryLoss, IsZeroWithoutALabel) {
  remove_labels(at::cat({present, missing}));
  output[1].fill_(std::numeric_limits<double>::infinity());
  const auto none = loss_and_gradient(loss, output, target);
  EXPECT_EQ(none.loss.dim(), 0);
  EXPECT_EQ(none.loss.item<double>(), 0);
  EXPECT_TRUE(at::equal(none.gradient, at::zeros_like(output)));
}

TEST_P(EveryLoss, IsAFiniteScalarOfTheOutputsDtype) {
  const at::Tensor value = loss(output, Labels(target));
  EXPECT_EQ(value.dim(), 0);
  EXPECT_EQ(value.scalar_type(), output.scalar_type());
  EXPECT_TRUE(value.isfinite().item<bool>());
}

// Repeated rows are what whole weights mean; float64, summed in another order.
TEST_P(EveryLoss, OfWholeWeightsEqualsTheOneOfRepeatedRows) {
  remove_labels(at::tensor({4}, at::kLong));
  const at::Tensor weights = at::tensor({2.0, 1.0, 0.0, 3.0, 2.0, 1.0});
  const at::Tensor rows = at::tensor({0, 0, 1, 3, 3, 3, 4, 4, 5}, at::kLong);
  const auto weighted =
      loss_and_gradient(loss, output, Labels(target).with_weights(weights));
  at::Tensor leaf = output.clone().requires_grad_();
  const at::Tensor repeated =
      loss(leaf.index_select(0, rows), Labels(target.index_select(0, rows)));
  repeated.backward();
  EXPECT_TRUE(at::allclose(weighted.loss, repeated, 1e-12, 1e-12))
      << weighted.loss << repeated;
  EXPECT_TRUE(at::allclose(weighted.gradient, leaf.grad(), 1e-12, 1e-12));
}

TEST_P(EveryLoss, DoesNotCareForTheScaleOfWeights) {
  const at::Tensor weights = at::tensor({0.5, 1.5, 0.25, 3.0, 2.0, 1.0});
  const auto one =
      loss_and_gradient(loss, output, Labels(target).with_weights(weights));
  const auto other = loss_and_gradient(
      loss, output, Labels(target).with_weights(weights * 1e-9));
  EXPECT_TRUE(at::allclose(one.loss, other.loss, 1e-6, 1e-9));
  EXPECT_TRUE(at::allclose(one.gradient, other.gradient, 1e-6, 1e-9));
}

TEST_P(EveryLoss, DoesNotCareWhatARowOfWeightZeroHolds) {
  const Labels before =
      Labels(target).with_weights(at::tensor({1.0, 0.0, 2.0, 1.0, 0.0, 3.0}));
  const auto clean = loss_and_gradient(loss, output, before);
  output[1].fill_(1000);
  output[4].fill_(-1000);
  const at::Tensor other = target.clone();
  other[1].fill_(7777);
  other[4].fill_(-5);
  const auto dirty = loss_and_gradient(
      loss, output, Labels(other).with_weights(before.weights()));
  EXPECT_TRUE(at::equal(dirty.loss, clean.loss));
  EXPECT_TRUE(at::equal(dirty.gradient, clean.gradient));
}

TEST_P(EveryLoss, OfWeightsThatAreAllZeroIsThatWithoutALabel) {
  const Labels labels =
      Labels(target).with_weights(at::zeros({6}, at::kDouble));
  EXPECT_FALSE(loss.has_label(labels));
  const auto none = loss_and_gradient(loss, output, labels);
  EXPECT_EQ(none.loss.item<double>(), 0);
  EXPECT_TRUE(at::equal(none.gradient, at::zeros_like(output)));
}

// What is left out of the labels' own weights has to be left out of the mean.
TEST_P(EveryLoss, OfRowsWithWeightsHasTheGradientOfItsValue) {
  const at::Tensor weights = at::tensor({0.5, 0.0, 0.25, 3.0, 2.0, 1.0});
  const Labels labels = Labels(target).with_weights(weights);
  const auto at_output = loss_and_gradient(loss, output, labels);
  const at::Tensor direction = at::randn_like(output);
  const double step = 1e-6;
  const double ahead = loss(output + step * direction, labels).item<double>();
  const double behind = loss(output - step * direction, labels).item<double>();
  EXPECT_NEAR(
      (ahead - behind) / (2 * step),
      (at_output.gradient * direction).sum().item<double>(),
      1e-6);
}

class EveryHalfPrecision : public ::testing::TestWithParam<
                               std::tuple<LossCase, at::ScalarType, bool>> {};

// Rounding of the output is all that half precision costs.
TEST_P(EveryHalfPrecision, OutputIsTakenInFloat32) {
  const auto& [each, type, half_labels] = GetParam();
  const at::Tensor output = at::randn(each.output).to(type);
  at::Tensor target = some_labels(each);
  if (target.is_floating_point()) {
    target = target.to(type).to(half_labels ? type : at::kFloat);
  }
  const Labels labels = Labels(target).with_weights(
      at::tensor({1.0, 2.0, 0.0, 1.0, 0.5, 3.0}).to(type));
  const Labels wide = labels.to(at::kFloat);
  const auto half = loss_and_gradient(each.loss, output, labels);
  const auto full = loss_and_gradient(each.loss, output.to(at::kFloat), wide);
  EXPECT_EQ(half.loss.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(half.loss, full.loss));
  EXPECT_EQ(half.gradient.scalar_type(), type);
  EXPECT_TRUE(at::equal(half.gradient, full.gradient.to(type)));
}

// All but callables, which check what they are given themselves.
using EveryCheckedLoss = LossSuite;

TEST_P(EveryCheckedLoss, RefusesATargetOfAnotherShape) {
  const at::Tensor other = target.narrow(0, 0, 5);
  EXPECT_TRUE(says(
      error_of([&] { loss(output, Labels(other)); }),
      {"expected",
       "of shape " + c10::str(target.sizes()),
       "for an output of shape " + c10::str(output.sizes()),
       "but got " + c10::str(other.sizes())}));
}

TEST_P(EveryCheckedLoss, RefusesATargetOfAnotherDtype) {
  const bool classes = GetParam().kind == LabelKind::kClass;
  const at::Tensor other = target.to(classes ? at::kInt : at::kFloat);
  EXPECT_TRUE(says(
      error_of([&] { loss(output, Labels(other)); }),
      {"expected",
       classes ? "of dtype Long" : "of dtype Double like the output",
       classes ? "but got Int" : "but got Float"}));
}

// Those in which each label meets one element of the output.
using EveryElementwiseLoss = LossSuite;

TEST_P(EveryElementwiseLoss, MissesSingleElements) {
  target[1][0] = std::numeric_limits<double>::quiet_NaN();
  target[4][2] = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor there = target.isnan().logical_not();
  const auto holed = loss_and_gradient(loss, output, target);
  const auto elements = loss_and_gradient(
      loss, output.masked_select(there), target.masked_select(there));
  EXPECT_TRUE(at::allclose(holed.loss, elements.loss, 1e-12, 1e-12));
  EXPECT_TRUE(at::allclose(
      holed.gradient.masked_select(there), elements.gradient, 1e-12, 1e-12));
  EXPECT_EQ(holed.gradient[1][0].item<double>(), 0);
  EXPECT_EQ(holed.gradient[4][2].item<double>(), 0);
}

std::string loss_case_name(const ::testing::TestParamInfo<LossCase>& each) {
  return each.param.name;
}

std::vector<LossCase> elementwise_losses() {
  const auto with = [](std::string name, Loss loss, LabelKind kind) {
    return LossCase{std::move(name), std::move(loss), {6, 3}, {6, 3}, kind};
  };
  return {
      with("MSE", MSELoss(), LabelKind::kReal),
      with("L1", L1Loss(), LabelKind::kReal),
      with("Huber", HuberLoss(0.5), LabelKind::kReal),
      with("BCEWithLogits", BCEWithLogitsLoss(), LabelKind::kShare),
      with("WeightedBCE", BCEWithLogitsLoss(3), LabelKind::kShare),
      with("PoissonNLL", PoissonNLLLoss(), LabelKind::kCount),
      with(
          "FullPoissonNLL",
          PoissonNLLLoss(PoissonNLLLossOptions().full(true)),
          LabelKind::kCount)};
}

std::vector<LossCase> checked_losses() {
  const auto weighted = CrossEntropyLossOptions()
                            .weight(at::tensor({0.1, 2.0, 0.5, 1.0}))
                            .label_smoothing(0.2)
                            .ignore_index(255);
  auto losses = elementwise_losses();
  losses.push_back(
      {"BCEOfThreeWeights",
       BCEWithLogitsLoss(
           BCEWithLogitsLossOptions().pos_weight(at::tensor({0.5, 1.0, 4.0}))),
       {6, 3},
       {6, 3},
       LabelKind::kShare});
  losses.push_back({"GaussianNLL", GaussianNLLLoss(), {6, 4}, {6, 2}});
  losses.push_back({"Pinball", PinballLoss({0.1, 0.5, 0.9}), {6, 3}, {6, 1}});
  losses.push_back(
      {"CrossEntropy", CrossEntropyLoss(), {6, 4}, {6}, LabelKind::kClass});
  losses.push_back(
      {"SequenceCrossEntropy",
       CrossEntropyLoss(),
       {6, 4, 5},
       {6, 5},
       LabelKind::kClass});
  losses.push_back(
      {"WeightedSmoothedCrossEntropy",
       CrossEntropyLoss(weighted),
       {6, 4},
       {6},
       LabelKind::kClass});
  return losses;
}

std::vector<LossCase> all_losses() {
  auto losses = checked_losses();
  losses.push_back(
      {"ColumnCrossEntropy",
       CrossEntropyLoss(),
       {6, 4},
       {6, 1},
       LabelKind::kClass});
  const Loss function([](const at::Tensor& output,
                         const at::Tensor& target,
                         const at::Tensor& weights) {
    const at::Tensor rows = (output - target).abs().pow(3).mean(1);
    return (rows * weights).sum() / weights.sum();
  });
  losses.push_back({"Function", function, {6, 2}, {6, 2}});
  return losses;
}

INSTANTIATE_TEST_SUITE_P(
    AllLosses, EveryLoss, ::testing::ValuesIn(all_losses()), loss_case_name);
INSTANTIATE_TEST_SUITE_P(
    CheckedLosses,
    EveryCheckedLoss,
    ::testing::ValuesIn(checked_losses()),
    loss_case_name);
INSTANTIATE_TEST_SUITE_P(
    ElementwiseLosses,
    EveryElementwiseLoss,
    ::testing::ValuesIn(elementwise_losses()),
    loss_case_name);

INSTANTIATE_TEST_SUITE_P(
    AllLosses,
    EveryHalfPrecision,
    ::testing::Combine(
        ::testing::ValuesIn(all_losses()),
        ::testing::Values(at::kHalf, at::kBFloat16),
        ::testing::Bool()),
    [](const auto& each) {
      return std::get<0>(each.param).name +
          (std::get<1>(each.param) == at::kHalf ? "Half" : "BFloat16") +
          (std::get<2>(each.param) ? "Labels" : "");
    });

class LossOnDevice : public testing::EachDevice {};

TEST_P(LossOnDevice, EqualsTheCPUsWithMissingLabels) {
  const Loss loss = HuberLoss(0.5);
  const at::Tensor output = at::randn({64, 3}, at::kDouble);
  at::Tensor target = at::randn({64, 3}, at::kDouble);
  target.narrow(0, 7, 20).fill_(std::numeric_limits<double>::quiet_NaN());
  const auto there =
      loss_and_gradient(loss, output.to(device()), target.to(device()));
  const auto here = loss_and_gradient(loss, output, target);
  EXPECT_EQ(there.loss.device().type(), device().type());
  EXPECT_TRUE(at::allclose(there.loss.cpu(), here.loss, 1e-12, 1e-12));
  EXPECT_TRUE(at::allclose(there.gradient.cpu(), here.gradient, 1e-12, 1e-12));
}

TEST_P(LossOnDevice, EqualsTheCPUsWithWeightsOfRows) {
  const Loss loss = HuberLoss(0.5);
  const at::Tensor output = at::randn({64, 3}, at::kDouble);
  at::Tensor target = at::randn({64, 3}, at::kDouble);
  target.narrow(0, 7, 20).fill_(std::numeric_limits<double>::quiet_NaN());
  at::Tensor weights = at::rand({64}, at::kDouble);
  weights.narrow(0, 30, 9).zero_();
  const Labels labels = Labels(target).with_weights(weights);
  const Labels made =
      Labels(target.to(device())).with_weights(weights.to(device()));
  EXPECT_EQ(made.present(), labels.present());
  const auto here = loss_and_gradient(loss, output, labels);
  for (const Labels& there : {made, labels.to(device())}) {
    const auto found = loss_and_gradient(loss, output.to(device()), there);
    EXPECT_TRUE(at::allclose(found.loss.cpu(), here.loss, 1e-12, 1e-12));
    EXPECT_TRUE(
        at::allclose(found.gradient.cpu(), here.gradient, 1e-12, 1e-12));
  }
  EXPECT_NE(
      error_of([&] {
        Labels(target.to(device())).with_weights(-weights.to(device()));
      }),
      "");
}

POLYTASK_ON_EACH_DEVICE(LossOnDevice);

TEST(ScaleOfWeights, DoesNotMatter) {
  at::manual_seed(6);
  const auto output = at::randn({12, 3});
  const auto target = at::randn({12, 3});
  const auto classes = at::randint(3, {12});
  const auto weights = at::rand({12}, at::kDouble) + 0.5;
  const auto loss_and_gradient = [&](const LossFunction& loss,
                                     const Labels& labels) {
    const auto leaf = output.clone().requires_grad_();
    const auto value = loss(leaf, labels);
    value.backward();
    return at::cat({value.detach().view(1), leaf.grad().flatten()});
  };
  for (const double scale : {1e-300, 1e-60, 1e-42, 1e60, 1e300}) {
    const auto scaled = scale * weights;
    EXPECT_TRUE(at::allclose(
        loss_and_gradient(MSELoss(), Labels(target).with_weights(scaled)),
        loss_and_gradient(MSELoss(), Labels(target).with_weights(weights))))
        << scale;
    EXPECT_TRUE(at::allclose(
        loss_and_gradient(
            CrossEntropyLoss(), Labels(classes).with_weights(scaled)),
        loss_and_gradient(
            CrossEntropyLoss(), Labels(classes).with_weights(weights))))
        << scale;
  }
}

TEST(HalfLabels, AreReadInTheOutputsPrecision) {
  const auto output = at::randn({5, 2});
  const auto target = at::randn({5, 2}).to(at::kHalf);
  EXPECT_TRUE(at::equal(
      MSELoss()(output, target), MSELoss()(output, target.to(at::kFloat))));
}

} // namespace
} // namespace polytask
