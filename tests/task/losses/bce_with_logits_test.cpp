// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <torch/nn/functional/loss.h>

#include <cmath>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

TEST(BCEWithLogitsLoss, EqualsLibTorchs) {
  const at::Tensor output = at::randn({9, 3});
  const at::Tensor target = at::rand({9, 3});
  EXPECT_TRUE(at::equal(
      BCEWithLogitsLoss()(output, target),
      torch::nn::functional::binary_cross_entropy_with_logits(output, target)));
}

TEST(BCEWithLogitsLoss, EqualsLibTorchsWithAPositiveWeight) {
  namespace F = torch::nn::functional;
  const at::Tensor output = at::randn({9, 3});
  const at::Tensor target = at::rand({9, 3});
  const auto options = F::BinaryCrossEntropyWithLogitsFuncOptions().pos_weight(
      at::full({3}, 2.5));
  EXPECT_TRUE(at::equal(
      BCEWithLogitsLoss(2.5)(output, target),
      F::binary_cross_entropy_with_logits(output, target, options)));
}

TEST(BCEWithLogitsLoss, EqualsLibTorchsWithAWeightForEachElement) {
  namespace F = torch::nn::functional;
  for (const auto& shape :
       std::vector<std::vector<int64_t>>{{3}, {1, 3}, {4, 1}, {1}}) {
    const at::Tensor weight = at::rand(shape) + 0.5;
    const at::Tensor output = at::randn({9, 4, 3});
    const at::Tensor target = at::rand({9, 4, 3});
    const auto loss =
        BCEWithLogitsLoss(BCEWithLogitsLossOptions().pos_weight(weight));
    EXPECT_TRUE(at::equal(
        loss(output, target),
        F::binary_cross_entropy_with_logits(
            output,
            target,
            F::BinaryCrossEntropyWithLogitsFuncOptions().pos_weight(weight))));
  }
}

TEST(BCEWithLogitsLoss, RefusesWeightsThatDoNotFitARow) {
  const at::Tensor nine = at::rand({9, 3});
  for (const auto& shape : std::vector<std::vector<int64_t>>{{2}, {9, 3}}) {
    EXPECT_TRUE(testing::says(
        testing::error_of([&] {
          BCEWithLogitsLoss(BCEWithLogitsLossOptions().pos_weight(
              at::ones(shape)))(nine, nine);
        }),
        {"BCEWithLogitsLoss: the pos_weight of shape " +
             c10::str(at::IntArrayRef(shape)),
         "[9, 3]"}));
  }
}

TEST(BCEWithLogitsLoss, RefusesALabelThatIsNoShare) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const double wrong : {2.0, -0.5}) {
      at::Tensor target = at::rand({4, 2}).to(type);
      target[2][1] = wrong;
      for (const at::Tensor& given : {target, target.t().contiguous().t()}) {
        EXPECT_TRUE(testing::says(
            testing::error_of(
                [&] { BCEWithLogitsLoss()(at::randn({4, 2}, type), given); }),
            {"BCEWithLogitsLoss: expected labels from 0 to 1, but found " +
             c10::str(wrong)}));
      }
    }
  }
}

TEST(BCEWithLogitsLoss, RefusesAWeightThatSomebodyTrains) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] {
        (void)BCEWithLogitsLoss(BCEWithLogitsLossOptions().pos_weight(
            at::ones({2}).requires_grad_()));
      }),
      {"pos_weight requires a gradient"}));
}

TEST(BCEWithLogitsLoss, PrintsAConstructorCall) {
  EXPECT_EQ(
      testing::printed(BCEWithLogitsLoss()), "polytask::BCEWithLogitsLoss()");
  EXPECT_EQ(
      testing::printed(BCEWithLogitsLoss(2)),
      "polytask::BCEWithLogitsLoss(pos_weight=2)");
  EXPECT_EQ(
      testing::printed(BCEWithLogitsLoss(
          BCEWithLogitsLossOptions().pos_weight(at::tensor({2.0, 0.5})))),
      "polytask::BCEWithLogitsLoss(pos_weight=[2, 0.5])");
}

class BCEBadWeight : public ::testing::TestWithParam<double> {};

TEST_P(BCEBadWeight, IsRefused) {
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [] { (void)BCEWithLogitsLoss(BCEBadWeight::GetParam()); }),
      {"BCEWithLogitsLoss: expected a pos_weight of positive, finite "
       "numbers"}));
}

INSTANTIATE_TEST_SUITE_P(
    Weights, BCEBadWeight, ::testing::Values(0.0, -1.0, NAN, INFINITY));

} // namespace
} // namespace polytask
