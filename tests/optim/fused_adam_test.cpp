// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/ones.h>
#include <ATen/ops/sparse_coo_tensor.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/optim/fused_adam.h>

#include <limits>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using torch::optim::AdamOptions;
using torch::optim::AdamParamState;

AdamParamState& fused_state_of(
    FusedAdam& optimizer, const torch::Tensor& parameter) {
  return static_cast<AdamParamState&>(
      *optimizer.state().at(parameter.unsafeGetTensorImpl()));
}

TEST(FusedAdam, MovesByTheRateAtFirst) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  parameter.mutable_grad() = at::tensor({3.0f, -0.1f});
  FusedAdam(std::vector<torch::Tensor>{parameter}, 0.5).step();
  EXPECT_NEAR(parameter[0].item<float>(), 0.5, 1e-6);
  EXPECT_NEAR(parameter[1].item<float>(), 1.5, 1e-6);
}

TEST(FusedAdam, CountsTheStepsOfEachParameter) {
  const torch::Tensor often = at::ones({2}).requires_grad_();
  const torch::Tensor once = at::ones({2}).requires_grad_();
  FusedAdam optimizer(std::vector<torch::Tensor>{often, once}, AdamOptions());
  often.mutable_grad() = at::ones({2});
  optimizer.step();
  optimizer.step();
  once.mutable_grad() = at::ones({2});
  optimizer.step();
  EXPECT_EQ(fused_state_of(optimizer, often).step(), 3);
  EXPECT_EQ(fused_state_of(optimizer, once).step(), 1);
}

TEST(FusedAdam, TakesANumberOfStepsThatSomebodyElseSets) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  const torch::Tensor twin = at::ones({2}).requires_grad_();
  FusedAdam own(std::vector<torch::Tensor>{parameter}, AdamOptions(0.1));
  torch::optim::Adam libtorchs(
      std::vector<torch::Tensor>{twin}, AdamOptions(0.1));
  for (int step = 0; step < 4; ++step) {
    parameter.mutable_grad() = at::tensor({1.0f, 2.0f - float(step)});
    twin.mutable_grad() = parameter.grad().clone();
    own.step();
    libtorchs.step();
    fused_state_of(own, parameter).step(10);
    static_cast<AdamParamState&>(
        *libtorchs.state().at(twin.unsafeGetTensorImpl()))
        .step(10);
  }
  EXPECT_LT((parameter - twin).abs().max().item<float>(), 1e-6);
}

TEST(FusedAdam, TakesUpAmsgradWhenItIsSetLater) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  parameter.mutable_grad() = at::ones({2});
  FusedAdam optimizer(std::vector<torch::Tensor>{parameter}, AdamOptions());
  optimizer.step();
  static_cast<AdamOptions&>(optimizer.param_groups()[0].options())
      .amsgrad(true);
  optimizer.step();
  const AdamParamState& state = fused_state_of(optimizer, parameter);
  EXPECT_TRUE(state.max_exp_avg_sq().equal(state.exp_avg_sq()));
}

TEST(FusedAdam, LeavesTheMomentsOfAParameterWithoutAGradientUntouched) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  parameter.mutable_grad() = at::ones({2});
  FusedAdam optimizer(
      std::vector<torch::Tensor>{parameter}, AdamOptions().weight_decay(0.1));
  optimizer.step();
  const torch::Tensor average =
      fused_state_of(optimizer, parameter).exp_avg().clone();
  const torch::Tensor value = parameter.detach().clone();
  parameter.mutable_grad().reset();
  optimizer.step();
  EXPECT_TRUE(fused_state_of(optimizer, parameter).exp_avg().equal(average));
  EXPECT_TRUE(parameter.equal(value));
}

TEST(FusedAdam, LetsAutogradSeeThatParametersHaveChanged) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  const torch::Tensor loss = parameter.pow(3).sum();
  parameter.mutable_grad() = at::ones({2});
  FusedAdam(std::vector<torch::Tensor>{parameter}, AdamOptions()).step();
  EXPECT_TRUE(says(
      error_of([&] { loss.backward(); }),
      {"modified by an inplace operation"}));
}

TEST(FusedAdam, RefusesSparseGradientsAsLibTorchDoes) {
  const torch::Tensor parameter = at::ones({3}).requires_grad_();
  parameter.mutable_grad() = at::sparse_coo_tensor(
      at::ones({1, 1}, at::kLong), at::tensor({2.0f}), {3});
  FusedAdam optimizer(std::vector<torch::Tensor>{parameter}, AdamOptions());
  EXPECT_TRUE(says(
      error_of([&] { optimizer.step(); }),
      {"Adam does not support sparse gradients"}));
}

TEST(FusedAdamW, DecaysWeightsApartFromTheGradient) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  parameter.mutable_grad() = at::zeros({2});
  FusedAdamW(
      std::vector<torch::Tensor>{parameter},
      torch::optim::AdamWOptions(0.5).weight_decay(0.1))
      .step();
  EXPECT_FLOAT_EQ(parameter[0].item<float>(), 0.95f);
}

TEST(FusedAdamW, KeepsAnInfiniteParameterThatNobodyMoves) {
  const torch::Tensor mask =
      at::tensor({1.0f, -std::numeric_limits<float>::infinity()})
          .requires_grad_();
  FusedAdamW optimizer(
      std::vector<torch::Tensor>{mask},
      torch::optim::AdamWOptions(0.5).weight_decay(0.1));
  for (int step = 0; step < 2; ++step) {
    mask.mutable_grad() = at::zeros({2});
    optimizer.step();
  }
  EXPECT_EQ(mask[1].item<float>(), -std::numeric_limits<float>::infinity());
}

} // namespace
} // namespace polytask::optim
