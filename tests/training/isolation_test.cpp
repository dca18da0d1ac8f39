// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <functional>

#include "tests/support/networks.h"
#include "tests/support/twin.h"

// "A step for task t touches the shared parameters and task t's own, and
// nothing else", for every optimizer with a memory.

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;

struct OptimizerCase {
  const char* name;
  std::function<std::unique_ptr<torch::optim::OptimizerOptions>()> options;
  std::function<std::unique_ptr<torch::optim::Optimizer>(
      const std::vector<torch::Tensor>&)>
      make;
};

template <typename Optimizer, typename Options>
OptimizerCase optimizer_case(const char* name, Options options) {
  return {
      name,
      [options] { return std::make_unique<Options>(options); },
      [options](const std::vector<torch::Tensor>& parameters) {
        return std::make_unique<Optimizer>(parameters, options);
      }};
}

class AlternatingIsolation : public ::testing::TestWithParam<OptimizerCase> {
 protected:
  // The bytes of one parameter's optimizer state.
  static std::string state_of(
      torch::optim::Optimizer& optimizer, const torch::Tensor& parameter) {
    const auto& state = optimizer.state();
    const auto found = state.find(parameter.unsafeGetTensorImpl());
    if (found == state.end()) {
      return "none";
    }
    torch::serialize::OutputArchive archive;
    found->second->serialize(archive);
    std::ostringstream bytes;
    archive.save_to(bytes);
    return bytes.str();
  }

  // Steps for "a" and looks at everything that "b" and "c" own.
  static void expect_isolated(
      const MultiTaskModel& model, AlternatingTraining& training) {
    const Batch batch = make_shared_batch();
    for (const auto* task : {"a", "b", "c", "b"}) { // fill every memory
      training.step_task(batch, task);
    }
    std::vector<torch::Tensor> others;
    std::vector<std::string> states;
    for (const auto* task : {"b", "c"}) {
      for (const auto& parameter : model->task_parameters(task)) {
        others.push_back(parameter);
        states.push_back(state_of(training.optimizer(), parameter));
      }
    }
    std::vector<torch::Tensor> before;
    for (const auto& parameter : others) {
      before.push_back(parameter.detach().clone());
    }
    const auto own = model->task_parameters("a")[0].detach().clone();
    const auto shared = model->shared_parameters()[0].detach().clone();

    for (int step = 0; step < 20; ++step) {
      training.step_task(batch, "a");
    }

    EXPECT_TRUE(same_bits(before, others));
    for (size_t i = 0; i < others.size(); ++i) {
      EXPECT_EQ(state_of(training.optimizer(), others[i]), states[i]);
    }
    EXPECT_FALSE(torch::equal(own, model->task_parameters("a")[0]));
    EXPECT_FALSE(torch::equal(shared, model->shared_parameters()[0]));
  }
};

TEST_P(AlternatingIsolation, HoldsForOptimizerOptions) {
  const MultiTaskModel model = make_shared_model();
  AlternatingTraining training(model, *GetParam().options());
  expect_isolated(model, training);
}

TEST_P(AlternatingIsolation, HoldsForTheUsersOptimizer) {
  const MultiTaskModel model = make_shared_model();
  const auto optimizer = GetParam().make(model->unique_parameters());
  AlternatingTraining training(model, *optimizer);
  expect_isolated(model, training);
}

TEST_P(AlternatingIsolation, HoldsUnderClipping) {
  const MultiTaskModel model = make_shared_model();
  AlternatingTraining training(
      model,
      *GetParam().options(),
      AlternatingTrainingOptions().clipping(Clipping::by_norm(0.1)));
  expect_isolated(model, training);
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers,
    AlternatingIsolation,
    ::testing::Values(
        optimizer_case<torch::optim::SGD>("SGD", torch::optim::SGDOptions(0.1)),
        optimizer_case<torch::optim::SGD>(
            "SGDMomentumWeightDecay",
            torch::optim::SGDOptions(0.1)
                .momentum(0.9)
                .nesterov(true)
                .weight_decay(0.1)),
        optimizer_case<torch::optim::Adam>(
            "AdamWeightDecay",
            torch::optim::AdamOptions(1e-2).weight_decay(0.1).amsgrad(true)),
        optimizer_case<torch::optim::AdamW>(
            "AdamW", torch::optim::AdamWOptions(1e-2).weight_decay(0.1))),
    [](const auto& each) { return each.param.name; });

// The same as training each task alone: what the other tasks do in between
// leaves no trace on tasks that share nothing.
TEST(AlternatingWithoutSharing, EqualsTrainingEachTaskAlone) {
  const auto x = torch::randn({32, 3});
  const Batch batch(
      x, {{"a", torch::randn({32, 1})}, {"b", torch::randn({32, 1})}});
  MultiTaskModel model;
  model->add_task("a", LinearTask(3, 1));
  model->add_task("b", LinearTask(3, 1));
  MultiTaskModel twin = testing::twin_of(model);
  const auto options = torch::optim::AdamOptions(1e-2).weight_decay(0.05);

  AlternatingTraining together(model, options);
  AlternatingTraining alone(twin, options);
  for (int step = 0; step < 30; ++step) {
    together.step_task(batch, "a");
    together.step_task(batch, "b");
  }
  for (const auto* task : {"a", "b"}) {
    for (int step = 0; step < 30; ++step) {
      alone.step_task(batch, task);
    }
  }
  EXPECT_TRUE(same_bits(testing::snapshot(model), testing::snapshot(twin)));
}

} // namespace
} // namespace polytask
