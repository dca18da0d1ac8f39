// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/optim/clipping.h>
#include <torch/nn/utils/clip_grad.h>

#include <cmath>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

// Two parameters with gradients, one without.
std::vector<at::Tensor> parameters_to_clip() {
  std::vector<at::Tensor> parameters = {
      at::randn({3, 2}), at::randn({4}), at::randn({2})};
  for (auto& parameter : parameters) {
    parameter.requires_grad_();
  }
  parameters[0].mutable_grad() = at::randn({3, 2});
  parameters[1].mutable_grad() = at::randn({4});
  return parameters;
}

std::vector<at::Tensor> gradients_of(
    const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : parameters) {
    gradients.push_back(parameter.grad());
  }
  return gradients;
}

class ClippingByNorm : public ::testing::TestWithParam<double> {};

TEST_P(ClippingByNorm, EqualsLibTorchs) {
  const auto parameters = parameters_to_clip();
  std::vector<at::Tensor> own = {
      parameters[0].grad().clone(), parameters[1].grad().clone(), {}};
  torch::nn::utils::clip_grad_norm_(parameters, GetParam());
  Clipping::by_norm(GetParam()).apply(own);
  EXPECT_TRUE(at::equal(own[0], parameters[0].grad()));
  EXPECT_TRUE(at::equal(own[1], parameters[1].grad()));
}

TEST_P(ClippingByNorm, EqualsLibTorchsInDoublePrecision) {
  auto parameters = parameters_to_clip();
  std::vector<at::Tensor> own;
  for (auto& parameter : parameters) {
    parameter = parameter.detach().to(at::kDouble).requires_grad_();
    parameter.mutable_grad() = at::randn(parameter.sizes(), at::kDouble);
    own.push_back(parameter.grad().clone());
  }
  torch::nn::utils::clip_grad_norm_(parameters, GetParam());
  Clipping::by_norm(GetParam()).apply(own);
  EXPECT_TRUE(at::equal(own[0], parameters[0].grad()));
  EXPECT_TRUE(at::equal(own[1], parameters[1].grad()));
  EXPECT_TRUE(at::equal(own[2], parameters[2].grad()));
}

// The norm of ten standard normal values is about 3: clipped, and not.
INSTANTIATE_TEST_SUITE_P(
    Limits, ClippingByNorm, ::testing::Values(0.01, 1.0, 100.0));

TEST(Clipping, ByNormBoundsTheJointNorm) {
  const std::vector<at::Tensor> gradients = {
      at::tensor({3.0}), at::tensor({0.0, 4.0})};
  Clipping::by_norm(1).apply(gradients);
  // The norm was 5. 1e-6 as in LibTorch keeps it just below 1.
  EXPECT_NEAR(gradients[0][0].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(gradients[1][1].item<double>(), 0.8, 1e-6);
}

TEST(Clipping, ByNormPassesOnNotANumber) {
  const std::vector<at::Tensor> gradients = {
      at::tensor({std::nanf("")}), at::tensor({1.0f})};
  Clipping::by_norm(1).apply(gradients);
  EXPECT_TRUE(std::isnan(gradients[1].item<float>()));
}

TEST(Clipping, ByNormTakesHalfPrecision) {
  const std::vector<at::Tensor> gradients = {
      at::tensor({3.0f, 4.0f}).to(at::kBFloat16)};
  Clipping::by_norm(1).apply(gradients);
  EXPECT_NEAR(gradients[0][1].item<double>(), 0.8, 1e-2);
}

TEST(Clipping, ByNormTakesGradientsOfSeveralDtypes) {
  const std::vector<at::Tensor> gradients = {
      at::tensor({3.0}, at::kFloat), at::tensor({4.0}, at::kDouble)};
  Clipping::by_norm(1).apply(gradients);
  EXPECT_EQ(gradients[0].scalar_type(), at::kFloat);
  EXPECT_NEAR(gradients[0].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(gradients[1].item<double>(), 0.8, 1e-6);
}

TEST(Clipping, ByValueBoundsEachElement) {
  const at::Tensor gradient = at::tensor({-3.0, 0.25, 0.5, 7.0});
  Clipping::by_value(0.5).apply({gradient, at::Tensor()});
  EXPECT_TRUE(at::equal(gradient, at::tensor({-0.5, 0.25, 0.5, 0.5})));
}

TEST(Clipping, LeavesGradientsAloneByDefault) {
  const at::Tensor gradient = at::tensor({-3.0, 7.0});
  Clipping().apply({gradient});
  EXPECT_TRUE(at::equal(gradient, at::tensor({-3.0, 7.0})));
}

TEST(Clipping, PassesOverUndefinedGradients) {
  const auto gradients = gradients_of(parameters_to_clip());
  ASSERT_FALSE(gradients[2].defined());
  Clipping::by_norm(1).apply(gradients);
  Clipping::by_norm(1).apply({at::Tensor()});
  Clipping::by_value(1).apply({});
  EXPECT_FALSE(gradients[2].defined());
}

TEST(Clipping, IsTrueWhereItDoesSomething) {
  EXPECT_FALSE(Clipping());
  EXPECT_TRUE(Clipping::by_norm(1));
  EXPECT_TRUE(Clipping::by_value(1));
}

class ClippingLimit : public ::testing::TestWithParam<double> {};

TEST_P(ClippingLimit, IsRefused) {
  const double limit = GetParam();
  EXPECT_TRUE(says(
      error_of([&] { Clipping::by_norm(limit); }),
      {"Clipping: expected a positive limit, but got"}));
  EXPECT_TRUE(says(
      error_of([&] { Clipping::by_value(limit); }),
      {"Clipping: expected a positive limit, but got"}));
}

INSTANTIATE_TEST_SUITE_P(
    BadLimits, ClippingLimit, ::testing::Values(0.0, -1.0, NAN));

} // namespace
} // namespace polytask
