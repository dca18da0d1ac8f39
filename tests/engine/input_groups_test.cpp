// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "src/engine/input_groups.h"

#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/data/multi_loader.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/linear_task.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <string>
#include <vector>

#include "tests/support/networks.h"

namespace polytask {
namespace {

using testing::snapshot;

// A layer that counts what it is asked for.
struct CountingTrunkImpl : torch::nn::Module {
  CountingTrunkImpl()
      : linear(register_module("linear", torch::nn::Linear(4, 3))),
        norm(register_module("norm", torch::nn::BatchNorm1d(3))) {}
  torch::Tensor forward(const torch::Tensor& input) {
    ++calls;
    return norm(linear(input)).tanh();
  }

  int calls = 0;
  torch::nn::Linear linear;
  torch::nn::BatchNorm1d norm;
};
TORCH_MODULE(CountingTrunk);

struct CountedModel {
  CountedModel() {
    torch::manual_seed(5);
    trunk = CountingTrunk();
    model = MultiTaskModel(HardSharing(trunk));
    for (const auto& name : {"a", "b", "c", "d"}) {
      model->add_task(name, LinearTask(3, 1));
    }
  }

  CountingTrunk trunk{nullptr};
  MultiTaskModel model{nullptr};
};

// Two inputs: that of a and c, and that of b and d.
Batch two_input_batch(bool one_tensor_each) {
  torch::manual_seed(6);
  const auto first = torch::randn({8, 4});
  const auto second = torch::randn({6, 4});
  const auto again = [&](const torch::Tensor& input) {
    return one_tensor_each ? input : input.clone();
  };
  return Batch::per_task(
      {{"a", first, torch::randn({8, 1})},
       {"b", second, torch::randn({6, 1})},
       {"c", again(first), torch::randn({8, 1})},
       {"d", again(second), torch::randn({6, 1})}});
}

TEST(InputGroups, NumberInputsInTheOrderInWhichTheyComeFirst) {
  const Inputs x = torch::zeros({1});
  const Inputs y{{"left", torch::zeros({1})}, {"right", torch::zeros({1})}};
  const Inputs same_x = x.tensor();
  const Inputs same_y = y;
  detail::HeadSteps steps;
  for (const Inputs* inputs : {&x, &y, &same_x, &same_y}) {
    steps.push_back({0, nullptr, nullptr, 1, inputs});
  }
  EXPECT_EQ(
      detail::input_groups(steps, /*share_input=*/false),
      (std::vector<size_t>{0, 1, 0, 1}));
  EXPECT_EQ(
      detail::input_groups(steps, /*share_input=*/true),
      (std::vector<size_t>{0, 0, 0, 0}));
  EXPECT_TRUE(detail::input_groups({}, false).empty());
}

class TrunkCalls : public ::testing::TestWithParam<std::string> {
 protected:
  JointTraining training_of(const CountedModel& counted) const {
    JointTrainingOptions options;
    if (GetParam() != "plain") {
      options.balancing(balancing::make(GetParam()));
    }
    return JointTraining(counted.model, torch::optim::SGDOptions(0.1), options);
  }
};

TEST_P(TrunkCalls, AreOneForEachInput) {
  CountedModel counted;
  auto training = training_of(counted);
  training.step(two_input_batch(true));
  EXPECT_EQ(counted.trunk->calls, 2);
  EXPECT_EQ(counted.trunk->norm->num_batches_tracked.item<int64_t>(), 2);
}

TEST_P(TrunkCalls, AreOneForEachDatasetOfALoader) {
  torch::manual_seed(7);
  const auto rows_of = [](const std::string& first, const std::string& second) {
    return data::Dataset(
        torch::randn({6, 4}),
        {{first, torch::randn({6, 1})}, {second, torch::randn({6, 1})}});
  };
  data::MultiLoader loader(
      {rows_of("a", "c"), rows_of("b", "d")},
      data::LoaderOptions().batch_size(3));
  CountedModel counted;
  auto training = training_of(counted);
  for (int step = 1; step <= 3; ++step) {
    training.step(loader.next_all());
    EXPECT_EQ(counted.trunk->calls, 2 * step);
  }
}

TEST_P(TrunkCalls, AreOneForEachTensorOfEqualNumbers) {
  CountedModel counted;
  auto training = training_of(counted);
  training.step(two_input_batch(false));
  EXPECT_EQ(counted.trunk->calls, 4);
}

TEST_P(TrunkCalls, GiveTheStepOfATrunkThatIsAskedForEachTask) {
  CountedModel together;
  CountedModel apart;
  auto first = training_of(together);
  auto second = training_of(apart);
  for (int step = 0; step < 3; ++step) {
    const auto report = first.step(two_input_batch(true));
    const auto expected = second.step(two_input_batch(false));
    EXPECT_TRUE(torch::allclose(report.losses, expected.losses, 1e-4, 1e-5));
  }
  const auto trained = snapshot(together.model);
  const auto expected = snapshot(apart.model);
  for (size_t i = 0; i < trained.size(); ++i) {
    EXPECT_TRUE(torch::allclose(trained[i], expected[i], 1e-4, 1e-5)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    TrunkCalls,
    ::testing::Values("plain", "sum", "pcgrad", "mgda", "dwa", "imtl_g"));

} // namespace
} // namespace polytask
