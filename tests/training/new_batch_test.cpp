// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/function.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>
#include <thread>
#include <vector>

#include "tests/support/networks.h"

// What a step looks through of a batch that nobody has looked at.

namespace polytask {
namespace {

using testing::same_bits;
using testing::snapshot;
using torch::optim::SGDOptions;

MultiTaskModel two_linear_tasks(int64_t width) {
  torch::manual_seed(5);
  MultiTaskModel model;
  model->add_task("a", LinearTask(width, 1));
  model->add_task("b", LinearTask(width, 1));
  return model;
}

TEST(NewBatch, HasTheLabelsOfTheDrawnTaskCountedAlone) {
  torch::Tensor drawn = torch::randn({8, 1});
  torch::Tensor other = torch::randn({8, 1});
  const Batch batch(torch::randn({8, 3}), {{"a", drawn}, {"b", other}});
  AlternatingTraining alternating(
      two_linear_tasks(3),
      SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(
          FunctionSampler([](const auto&) { return 0; })));
  alternating.step(batch);
  drawn[5] = std::nanf("");
  other[5] = std::nanf("");
  EXPECT_EQ(batch.part("a").labels.missing(), 0);
  EXPECT_EQ(batch.part("b").labels.missing(), 1);
}

TEST(NewBatch, IsLookedThroughOnce) {
  torch::Tensor x = torch::randn({8, 30});
  const Batch batch(
      x, {{"a", torch::randn({8, 1})}, {"b", torch::randn({8, 1})}});
  JointTraining joint(
      two_linear_tasks(30),
      SGDOptions(0.1),
      JointTrainingOptions().check_losses(false));
  joint.step(batch);
  x[3][0] = std::nanf("");
  EXPECT_EQ(joint.step(batch).step, 2); // as ever: it is not noticed
}

TEST(NewBatch, IsTrainedOnByThreadsAtOnce) {
  constexpr size_t kThreads = 4;
  torch::Tensor target = torch::randn({400, 1});
  target[17] = std::nanf("");
  const torch::Tensor x = torch::randn({400, 30});
  const Batch::Targets targets{{"a", target}, {"b", torch::randn({400, 1})}};
  const MultiTaskModel expected = two_linear_tasks(30);
  JointTraining(expected, SGDOptions(0.1)).step(Batch(x, targets));

  const Batch batch(x, targets);
  std::vector<MultiTaskModel> models;
  for (size_t i = 0; i < kThreads; ++i) {
    models.push_back(two_linear_tasks(30));
  }
  std::vector<std::thread> threads;
  for (const auto& model : models) {
    threads.emplace_back([&model, &batch] {
      JointTraining(model, SGDOptions(0.1)).step(batch);
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  for (const auto& model : models) {
    EXPECT_TRUE(same_bits(snapshot(model), snapshot(expected)));
  }
}

} // namespace
} // namespace polytask
