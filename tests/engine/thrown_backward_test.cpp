// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/engine/backward.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/training/joint_training.h>

#include <stdexcept>

#include "tests/support/balanced.h"
#include "tests/support/networks.h"

// A hook of the user's that throws while the trunk is differentiated.

namespace polytask {

namespace {

class ThrowingTrunkImpl : public torch::nn::Cloneable<ThrowingTrunkImpl> {
 public:
  ThrowingTrunkImpl() {
    reset();
  }
  void reset() override {
    linear = register_module("linear", torch::nn::Linear(5, 8));
  }
  torch::Tensor forward(const torch::Tensor& input) {
    torch::Tensor output = torch::tanh(linear->forward(input));
    if (output.requires_grad()) {
      output.register_hook([this](const torch::Tensor& gradient) {
        if (throws) {
          throw std::runtime_error("a hook's own error");
        }
        return gradient;
      });
    }
    return output;
  }

  torch::nn::Linear linear{nullptr};
  bool throws = false;
};
TORCH_MODULE(ThrowingTrunk);

bool same(const balancing::State& a, const balancing::State& b) {
  return a.size() == b.size() &&
      std::equal(a.begin(), a.end(), b.begin(), [](auto& one, auto& other) {
           return one.first == other.first &&
               torch::equal(one.second, other.second);
         });
}

class ThrownBackward : public ::testing::TestWithParam<std::string> {};

TEST_P(ThrownBackward, LeavesTheMethodAsItWas) {
  torch::manual_seed(5);
  ThrowingTrunk trunk;
  MultiTaskModel model{HardSharing(trunk)};
  for (const char* name : {"a", "b", "c"}) {
    model->add_task(name, Task(torch::nn::Linear(8, 1), MSELoss()));
  }
  const auto targets = [] { return torch::randn({16, 1}); };
  const Batch batch(
      torch::randn({16, 5}),
      {{"a", targets()}, {"b", targets()}, {"c", targets()}});
  const std::shared_ptr<balancing::Balancing> method =
      balancing::make(GetParam());
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.01),
      JointTrainingOptions().shared_balancing(method));
  for (int step = 0; step < 3; ++step) {
    joint.step(batch);
  }
  const auto state = method->state();
  const auto parameters = testing::snapshot(model);
  trunk->throws = true;
  EXPECT_ANY_THROW(joint.step(batch));
  EXPECT_ANY_THROW(joint.step_accumulated({batch, batch}));
  EXPECT_TRUE(same(method->state(), state));
  EXPECT_TRUE(testing::same_bits(testing::snapshot(model), parameters));
  EXPECT_EQ(joint.steps(), 3);
  trunk->throws = false;
  joint.step(batch);
}

TEST_P(ThrownBackward, OfAnOwnGraphLeavesTheMethodAsItWas) {
  torch::manual_seed(6);
  ThrowingTrunk trunk;
  using torch::nn::Linear;
  const std::vector<Linear> heads{Linear(8, 1), Linear(8, 1), Linear(8, 1)};
  const torch::Tensor input = torch::randn({16, 5});
  const auto losses = [&] {
    const torch::Tensor features = trunk->forward(input);
    std::vector<torch::Tensor> all;
    for (Linear head : heads) {
      all.push_back((head->forward(features) - 1).square().mean());
    }
    return all;
  };
  const std::unique_ptr<balancing::Balancing> method =
      balancing::make(GetParam());
  for (int step = 0; step < 3; ++step) {
    backward(losses(), trunk->parameters(), *method);
  }
  const auto state = method->state();
  const auto gradient = trunk->linear->weight.grad().clone();
  trunk->throws = true;
  EXPECT_ANY_THROW(backward(losses(), trunk->parameters(), *method));
  EXPECT_TRUE(same(method->state(), state));
  EXPECT_TRUE(torch::equal(trunk->linear->weight.grad(), gradient));
  trunk->throws = false;
  backward(losses(), trunk->parameters(), *method);
}

// It learns of its blocks in the first call.
TEST(ThrownFirstBackward, OfAnOwnGraphIsToldByItsOwnError) {
  torch::manual_seed(6);
  ThrowingTrunk trunk;
  balancing::OptionValues options;
  options.emplace("method", "mgda");
  const auto method = balancing::make("per_group", options);
  const auto once = [&] {
    const torch::Tensor features = trunk->forward(torch::randn({16, 5}));
    backward(
        {features.square().mean(), (features - 1).square().mean()},
        trunk->parameters(),
        *method);
  };
  trunk->throws = true;
  std::string message;
  try {
    once();
  } catch (const std::exception& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("a hook's own error"), std::string::npos) << message;
  trunk->throws = false;
  once();
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryMethod,
    ThrownBackward,
    ::testing::ValuesIn(testing::methods_of_one_batch()),
    [](const auto& tested) { return tested.param; });

} // namespace

} // namespace polytask
