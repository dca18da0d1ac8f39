// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sparse_coo_tensor.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/optim/fused_sgd.h>

#include <utility>
#include <vector>

namespace polytask::optim {
namespace {

TEST(FusedSGD, MovesAgainstTheGradient) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  parameter.mutable_grad() = at::tensor({1.0f, -2.0f});
  FusedSGD(std::vector<torch::Tensor>{parameter}, 0.5).step();
  EXPECT_TRUE(at::equal(parameter, at::tensor({0.5f, 2.0f})));
}

TEST(FusedSGD, WithoutMomentumHasTheBitsOfLibTorchs) {
  torch::manual_seed(8);
  std::vector<torch::Tensor> parameters;
  std::vector<torch::Tensor> twins;
  for (int size = 1; size < 20; ++size) {
    parameters.push_back(at::randn({size}).requires_grad_());
    parameters.back().mutable_grad() = at::randn({size});
    twins.push_back(parameters.back().detach().clone().requires_grad_());
    twins.back().mutable_grad() = parameters.back().grad();
  }
  const auto options = torch::optim::SGDOptions(0.3).weight_decay(0.1);
  FusedSGD(parameters, options).step();
  torch::optim::SGD(twins, options).step();
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_TRUE(at::equal(parameters[i], twins[i])) << parameters[i].sizes();
  }
}

// By the rule of LibTorch: momentum starts as the first gradient itself.
TEST(FusedSGD, DoesNotDampenTheFirstStepOfAParameterThatComesLater) {
  const torch::Tensor early = at::ones({1}).requires_grad_();
  const torch::Tensor late = at::ones({1}).requires_grad_();
  FusedSGD optimizer(
      std::vector<torch::Tensor>{early, late},
      torch::optim::SGDOptions(1).momentum(0.5).dampening(0.5));
  early.mutable_grad() = at::ones({1});
  optimizer.step();
  EXPECT_EQ(early.item<float>(), 0.0f);
  EXPECT_EQ(late.item<float>(), 1.0f);
  late.mutable_grad() = at::ones({1});
  optimizer.step();
  EXPECT_EQ(early.item<float>(), -1.0f);
  EXPECT_EQ(late.item<float>(), 0.0f);
}

TEST(FusedSGD, KeepsNoStateWithoutMomentum) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  parameter.mutable_grad() = at::ones({2});
  FusedSGD optimizer(std::vector<torch::Tensor>{parameter}, 0.5);
  optimizer.step();
  EXPECT_TRUE(optimizer.state().empty());
}

TEST(FusedSGD, TakesUpMomentumWhenItIsSetLater) {
  const auto steps = [](torch::optim::SGD&& optimizer) {
    auto& options = static_cast<torch::optim::SGDOptions&>(
        optimizer.param_groups()[0].options());
    const torch::Tensor parameter = optimizer.param_groups()[0].params()[0];
    parameter.mutable_grad() = at::tensor({1.0f, 2.0f});
    optimizer.step();
    options.momentum(0.9);
    optimizer.step();
    optimizer.step();
    options.momentum(0);
    optimizer.step();
    return parameter;
  };
  const std::vector<torch::Tensor> own = {at::ones({2}).requires_grad_()};
  const std::vector<torch::Tensor> twin = {at::ones({2}).requires_grad_()};
  EXPECT_TRUE(at::equal(
      steps(FusedSGD(own, 0.1)), steps(torch::optim::SGD(twin, 0.1))));
}

TEST(FusedSGD, TakesSparseGradients) {
  const torch::Tensor parameter = at::ones({3}).requires_grad_();
  const torch::Tensor other = at::ones({1}).requires_grad_();
  parameter.mutable_grad() = at::sparse_coo_tensor(
      at::ones({1, 1}, at::kLong), at::tensor({2.0f}), {3});
  other.mutable_grad() = at::ones({1});
  FusedSGD(std::vector<torch::Tensor>{parameter, other}, 0.5).step();
  EXPECT_TRUE(at::equal(parameter, at::tensor({1.0f, 0.0f, 1.0f})));
  EXPECT_EQ(other.item<float>(), 0.5f);
}

TEST(FusedSGD, CanBeMoved) {
  const torch::Tensor parameter = at::ones({1}).requires_grad_();
  parameter.mutable_grad() = at::ones({1});
  FusedSGD first(std::vector<torch::Tensor>{parameter}, 0.5);
  first.step();
  FusedSGD second(std::move(first));
  second.step();
  EXPECT_EQ(parameter.item<float>(), 0.0f);
}

} // namespace
} // namespace polytask::optim
