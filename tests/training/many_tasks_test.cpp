// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/core/batch.h>
#include <polytask/engine/learning_rates.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/linear_task.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/simple.h>
#include <torch/optim/sgd.h>

#include <string>

// What is linear in the number of tasks takes seconds here; what is quadratic
// would run into CTest's limit of time.

namespace polytask {
namespace {

using torch::optim::SGDOptions;

std::string name_of(int64_t task) {
  return "t" + std::to_string(task);
}

MultiTaskModel model_of(int64_t tasks) {
  MultiTaskModel model;
  for (int64_t task = 0; task < tasks; ++task) {
    model->add_task(name_of(task), LinearTask(1, 1));
  }
  return model;
}

Batch batch_of(int64_t tasks) {
  const auto target = torch::ones({2, 1});
  Batch::Targets targets;
  for (int64_t task = 0; task < tasks; ++task) {
    targets.emplace_back(name_of(task), target);
  }
  return Batch(torch::ones({2, 1}), targets);
}

TEST(ManyTasks, MakeABatch) {
  constexpr int64_t kTasks = 1000000;
  const Batch batch = batch_of(kTasks);
  for (int64_t task = 0; task < kTasks; task += 1000) {
    ASSERT_TRUE(batch.has(name_of(task)));
  }
}

TEST(ManyTasks, HaveARateOfLearningEach) {
  constexpr int64_t kTasks = 60000;
  const MultiTaskModel model = model_of(kTasks);
  LearningRates rates;
  for (int64_t task = 0; task < kTasks; ++task) {
    rates.task(name_of(task), task % 2 == 0 ? 0.1 : 0);
  }
  JointTraining joint(
      model, SGDOptions(0.5), JointTrainingOptions().learning_rates(rates));
  const auto first = model->task_parameters(name_of(0))[0].clone();
  const auto second = model->task_parameters(name_of(1))[0].clone();
  const auto report = joint.step(batch_of(kTasks));
  EXPECT_EQ(report.losses.size(0), kTasks);
  EXPECT_FALSE(torch::equal(first, model->task_parameters(name_of(0))[0]));
  EXPECT_TRUE(torch::equal(second, model->task_parameters(name_of(1))[0]));
}

TEST(ManyTasks, AreDrawnByTheirSizes) {
  constexpr int64_t kTasks = 60000;
  TaskNumbers sizes;
  for (int64_t task = 0; task < kTasks; ++task) {
    sizes.emplace_back(name_of(task), task == 41 ? 1 : 0);
  }
  AlternatingTraining alternating(
      model_of(kTasks),
      SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(ProportionalSampler(sizes)));
  EXPECT_EQ(alternating.step(batch_of(kTasks)).task, name_of(41));
}

} // namespace
} // namespace polytask
