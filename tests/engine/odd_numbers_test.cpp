// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/l1.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/parameterlist.h>
#include <torch/nn/modules/container/sequential.h>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

// Networks of several dtypes, and gradients whose squares overflow.

namespace polytask {

namespace {

class TwoDtypesImpl : public torch::nn::Cloneable<TwoDtypesImpl> {
 public:
  TwoDtypesImpl() {
    reset();
  }
  void reset() override {
    below = register_module("below", torch::nn::Linear(5, 8));
    above = register_module("above", torch::nn::Linear(8, 8));
    above->to(torch::kDouble);
  }
  torch::Tensor forward(const torch::Tensor& input) {
    const auto hidden = torch::tanh(below->forward(input));
    return above->forward(hidden.to(torch::kDouble)).tanh().to(torch::kFloat);
  }

  torch::nn::Linear below{nullptr};
  torch::nn::Linear above{nullptr};
};
TORCH_MODULE(TwoDtypes);

class TwoDevicesImpl : public torch::nn::Cloneable<TwoDevicesImpl> {
 public:
  TwoDevicesImpl() {
    reset();
  }
  void reset() override {
    here = register_module("here", torch::nn::Linear(5, 8));
    there = register_module("there", torch::nn::ParameterList());
    there->append(torch::empty({8}, torch::kMeta).requires_grad_());
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return here->forward(input).tanh();
  }

  torch::nn::Linear here{nullptr};
  torch::nn::ParameterList there{nullptr};
};
TORCH_MODULE(TwoDevices);

Batch two_tasks(torch::Dtype dtype) {
  torch::manual_seed(9);
  const auto noise = [&](int64_t width) {
    return torch::randn({16, width}, torch::kDouble).to(dtype);
  };
  const auto x = noise(5);
  return Batch(x, {{"a", noise(1)}, {"b", noise(1)}});
}

class SharedOfTwoDtypes : public ::testing::TestWithParam<const char*> {};

TEST_P(SharedOfTwoDtypes, IsTrainedAlikeByEveryRoute) {
  torch::manual_seed(8);
  MultiTaskModel model{HardSharing(TwoDtypes())};
  for (const char* name : {"a", "b"}) {
    model->add_task(name, Task(torch::nn::Linear(8, 1), L1Loss()));
  }
  const auto batch = two_tasks(torch::kFloat);
  std::vector<std::vector<torch::Tensor>> trained;
  for (const Route route :
       {Route::kAutograd, Route::kAuto, Route::kBatchedJacobian}) {
    const auto twin = testing::twin_of(model);
    JointTraining joint(
        twin,
        torch::optim::AdamOptions(0.01),
        JointTrainingOptions().route(route).balancing(
            balancing::make(GetParam())));
    for (int step = 0; step < 5; ++step) {
      joint.step(batch);
    }
    for (const auto& parameter : twin->parameters()) {
      EXPECT_EQ(parameter.grad().dtype(), parameter.dtype());
    }
    trained.push_back(testing::snapshot(twin));
  }
  for (size_t i = 0; i < trained[0].size(); ++i) {
    EXPECT_TRUE(torch::allclose(trained[1][i], trained[0][i], 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(trained[2][i], trained[0][i], 1e-4, 1e-5));
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfMethods,
    SharedOfTwoDtypes,
    ::testing::Values("upgrad", "pcgrad", "graddrop"),
    [](const auto& tested) { return std::string(tested.param); });

TEST(SharedOfTwoDevices, IsRefusedByNameWhereGradientsAreCombined) {
  for (const char* method : {"upgrad", "graddrop"}) {
    MultiTaskModel model{HardSharing(TwoDevices())};
    for (const char* name : {"a", "b"}) {
      model->add_task(name, Task(torch::nn::Linear(8, 1), L1Loss()));
    }
    JointTraining joint(
        model,
        torch::optim::SGDOptions(0.01),
        JointTrainingOptions().balancing(balancing::make(method)));
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { joint.step(two_tasks(torch::kFloat)); }),
        {method, "cpu", "meta"}));
  }
}

struct HugeCase {
  const char* method;
  Route route;
  double scale;
  torch::Dtype dtype;
};

class HugeGradients : public ::testing::TestWithParam<HugeCase> {};

// Of one task: the other's gradient is of the usual size.
TEST_P(HugeGradients, GiveAFiniteUpdateOrOneError) {
  const auto& [method, route, scale, dtype] = GetParam();
  torch::manual_seed(7);
  const torch::nn::Sequential trunk(torch::nn::Linear(5, 8), torch::nn::Tanh());
  MultiTaskModel model{HardSharing(trunk)};
  for (const char* name : {"a", "b"}) {
    model->add_task(name, Task(torch::nn::Linear(8, 1), L1Loss()));
  }
  model->to(dtype);
  {
    torch::NoGradGuard no_grad;
    model->task("a").head().module()->parameters()[0].mul_(scale);
  }
  JointTraining joint(
      model,
      torch::optim::SGDOptions(1e-30),
      JointTrainingOptions().route(route).balancing(balancing::make(method)));
  const auto before = testing::snapshot(model);
  const auto message = testing::error_of([&] { joint.step(two_tasks(dtype)); });
  if (!message.empty()) {
    EXPECT_TRUE(testing::says(message, {"finite"}));
    EXPECT_TRUE(testing::same_bits(testing::snapshot(model), before));
    EXPECT_GT(scale, 1e150); // products overflow in double
    return;
  }
  for (const auto& parameter : model->parameters()) {
    EXPECT_TRUE(parameter.isfinite().all().item<bool>());
    EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>());
  }
}

std::vector<HugeCase> huge_cases() {
  std::vector<HugeCase> cases;
  for (const char* method :
       {"upgrad",
        "mgda",
        "pcgrad",
        "cagrad",
        "nash_mtl",
        "imtl_g",
        "graddrop",
        "aligned_mtl",
        "config",
        "dualproj",
        "gradvac"}) {
    for (const Route route :
         {Route::kAuto, Route::kAutograd, Route::kBatchedJacobian}) {
      cases.push_back({method, route, 1e18, torch::kFloat});
      cases.push_back({method, route, 1e30, torch::kFloat});
      cases.push_back({method, route, 1e140, torch::kDouble});
      cases.push_back({method, route, 1e160, torch::kDouble});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(
    OfMethods, HugeGradients, ::testing::ValuesIn(huge_cases()));

} // namespace

} // namespace polytask
