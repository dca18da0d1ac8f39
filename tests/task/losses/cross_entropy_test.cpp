// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/task/loss.h>
#include <polytask/task/losses/cross_entropy.h>
#include <torch/nn/functional/loss.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

struct CrossEntropyCase {
  std::string name;
  std::vector<int64_t> output; // shape, 4 classes
  std::vector<int64_t> target;
  bool weighted = false;
  double smoothing = 0.0;
  int64_t ignore_index = -100;
};

std::ostream& operator<<(std::ostream& stream, const CrossEntropyCase& each) {
  return stream << each.name;
}

class CrossEntropyOptions : public ::testing::TestWithParam<CrossEntropyCase> {
 protected:
  const at::Tensor output = at::randn(GetParam().output);
  const at::Tensor target = at::randint(0, 4, GetParam().target, at::kLong);
};

TEST_P(CrossEntropyOptions, GiveLibTorchsLoss) {
  namespace F = torch::nn::functional;
  const auto& [name, o, t, weighted, smoothing, ignore] = GetParam();
  at::Tensor weights;
  if (weighted) {
    weights = at::tensor({0.1f, 2.0f, 0.5f, 1.0f});
  }
  const CrossEntropyLoss loss(CrossEntropyLossOptions()
                                  .weight(weights)
                                  .label_smoothing(smoothing)
                                  .ignore_index(ignore));
  EXPECT_TRUE(at::equal(
      loss(output, target),
      F::cross_entropy(
          output,
          target,
          F::CrossEntropyFuncOptions()
              .weight(weights)
              .label_smoothing(smoothing)
              .ignore_index(ignore))));
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    CrossEntropyOptions,
    ::testing::Values(
        CrossEntropyCase{"Plain", {9, 4}, {9}},
        CrossEntropyCase{"Sequence", {9, 4, 5}, {9, 5}},
        CrossEntropyCase{"Image", {3, 4, 5, 6}, {3, 5, 6}},
        CrossEntropyCase{"Weighted", {9, 4}, {9}, true},
        CrossEntropyCase{"Smoothed", {9, 4}, {9}, false, 0.1},
        CrossEntropyCase{"WeightedSmoothed", {9, 4, 5}, {9, 5}, true, 0.3},
        CrossEntropyCase{"IgnoringAClass", {9, 4}, {9}, false, 0.0, 3},
        CrossEntropyCase{"All", {9, 4, 5}, {9, 5}, true, 0.3, 3}),
    [](const auto& each) { return each.param.name; });

TEST(CrossEntropyLoss, MissesSingleElementsOfASequence) {
  const at::Tensor output = at::randn({2, 4, 5});
  at::Tensor target = at::randint(0, 4, {2, 5}, at::kLong);
  target[0][3] = -100;
  target[1][0] = -100;
  const at::Tensor there = target.ne(-100).flatten().nonzero().squeeze(1);
  const at::Tensor scores = output.transpose(1, 2).reshape({10, 4});
  EXPECT_TRUE(at::allclose(
      CrossEntropyLoss()(output, target),
      CrossEntropyLoss()(
          scores.index_select(0, there),
          target.flatten().index_select(0, there)),
      1e-6,
      1e-6));
}

TEST(CrossEntropyLoss, TakesAColumnOfATable) {
  const at::Tensor output = at::randn({6, 4});
  const at::Tensor target = at::randint(0, 4, {6}, at::kLong);
  EXPECT_TRUE(at::equal(
      CrossEntropyLoss()(output, target.view({6, 1})),
      CrossEntropyLoss()(output, target)));
  EXPECT_TRUE(says(
      error_of([&] {
        CrossEntropyLoss()(output, target.narrow(0, 0, 5).view({5, 1}));
      }),
      {"expected class indices of shape [6]", "but got [5, 1]"}));
}

TEST(CrossEntropyLoss, HasNoLabelAmongClassesOfWeightZero) {
  const Loss loss = CrossEntropyLoss(
      CrossEntropyLossOptions().weight(at::tensor({0.0, 1.0, 0.0})));
  const at::Tensor output = at::randn({3, 3}).requires_grad_();
  const Labels none(at::tensor({0, 2, -100}, at::kLong));
  EXPECT_FALSE(loss.has_label(none));
  EXPECT_EQ(loss(output, none).item<double>(), 0);
  EXPECT_FALSE(loss.has_label(Labels(at::tensor({0, 1, 2}, at::kLong))
                                  .with_weights(at::tensor({1.0, 0.0, 1.0}))));
  EXPECT_TRUE(loss.has_label(Labels(at::tensor({0, 1, -100}, at::kLong))));
}

TEST(CrossEntropyLoss, PrintsAConstructorCall) {
  EXPECT_EQ(
      testing::printed(CrossEntropyLoss(
          CrossEntropyLossOptions().ignore_index(255).label_smoothing(0.1))),
      "polytask::CrossEntropyLoss(ignore_index=255, label_smoothing=0.1)");
}

TEST(CrossEntropyLoss, RefusesAnOutputWithoutClasses) {
  EXPECT_TRUE(says(
      error_of([] {
        CrossEntropyLoss()(at::randn({4}), at::tensor({0, 1, 2, 3}, at::kLong));
      }),
      {"class scores of shape [B, C]", "[4]"}));
}

TEST(CrossEntropyLoss, RefusesAClassThatThereIsNot) {
  EXPECT_TRUE(says(
      error_of([] {
        CrossEntropyLoss()(at::randn({2, 3}), at::tensor({0, 3}, at::kLong));
      }),
      {"with 3 classes: Target 3 is out of bounds"}));
}

TEST(CrossEntropyLoss, RefusesWeightsForAnotherNumberOfClasses) {
  const CrossEntropyLoss loss(
      CrossEntropyLossOptions().weight(at::tensor({1.0, 2.0})));
  EXPECT_TRUE(says(
      error_of([&] { loss(at::randn({2, 3}), at::tensor({0, 1}, at::kLong)); }),
      {"a weight for each of the 3 classes", "got 2"}));
}

class CrossEntropyBadSmoothing : public ::testing::TestWithParam<double> {};

TEST_P(CrossEntropyBadSmoothing, IsRefused) {
  const auto options = CrossEntropyLossOptions().label_smoothing(GetParam());
  EXPECT_TRUE(says(
      error_of([&] { CrossEntropyLoss{options}; }),
      {"CrossEntropyLoss: expected a label smoothing from 0 to 1, but got"}));
}

INSTANTIATE_TEST_SUITE_P(
    Smoothings, CrossEntropyBadSmoothing, ::testing::Values(-0.1, 1.1, NAN));

class CrossEntropyBadWeights
    : public ::testing::TestWithParam<std::vector<double>> {};

TEST_P(CrossEntropyBadWeights, AreRefused) {
  const auto options = CrossEntropyLossOptions().weight(at::tensor(GetParam()));
  EXPECT_TRUE(says(
      error_of([&] { CrossEntropyLoss{options}; }),
      {"CrossEntropyLoss: expected class weights of shape [C]"}));
}

INSTANTIATE_TEST_SUITE_P(
    Weights,
    CrossEntropyBadWeights,
    ::testing::Values(std::vector<double>{1, -1}, std::vector<double>{NAN, 1}));

TEST(CrossEntropyLoss, RefusesAMatrixOfWeights) {
  const auto options = CrossEntropyLossOptions().weight(at::rand({2, 2}));
  EXPECT_TRUE(says(
      error_of([&] { CrossEntropyLoss{options}; }),
      {"expected class weights of shape [C]"}));
}

} // namespace
} // namespace polytask
