// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

namespace polytask {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_model;

TEST(ModelForward, GivesTheOutputsInTaskOrder) {
  MultiTaskModel model = make_shared_model();
  const auto outputs = model->forward(torch::randn({4, 5}));
  EXPECT_THAT(outputs.keys(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(outputs["a"].sizes(), ElementsAre(4, 1));
  EXPECT_THAT(outputs["b"].sizes(), ElementsAre(4, 2));
}

TEST(ModelForward, EqualsForwardTaskByTask) {
  MultiTaskModel model = make_shared_model();
  const auto x = torch::randn({4, 5});
  const auto outputs = model->forward(x);
  for (const auto& output : outputs) {
    EXPECT_TRUE(
        torch::equal(output.value(), model->forward_task(x, output.key())));
  }
}

TEST(ModelForward, NamesAnOutputThatThereIsNot) {
  MultiTaskModel model = make_shared_model();
  const auto outputs = model->forward(torch::randn({4, 5}));
  EXPECT_THAT(error_of([&] { outputs["z"]; }), HasSubstr("Task 'z'"));
}

TEST(ModelForward, ReachesTheTrunkWithTrainAndEval) {
  MultiTaskModel model{HardSharing(
      torch::nn::Sequential(torch::nn::Dropout(0.5), torch::nn::Linear(5, 8)))};
  model->add_task("a", LinearTask(8, 1));
  const auto x = torch::randn({4, 5});

  model->eval();
  EXPECT_TRUE(
      torch::equal(model->forward_task(x, "a"), model->forward_task(x, "a")));
  model->train();
  EXPECT_FALSE(
      torch::equal(model->forward_task(x, "a"), model->forward_task(x, "a")));
}

TEST(ModelForward, NamesTheTaskWhoseHeadDoesNotFit) {
  MultiTaskModel model = make_shared_model();
  model->add_task("narrow", LinearTask(3, 1));
  const auto x = torch::randn({4, 5});
  const auto message = error_of([&] { model->forward(x); });
  EXPECT_THAT(message, HasSubstr("Task 'narrow'"));
  EXPECT_THAT(message, HasSubstr("[4, 8]"));
  EXPECT_EQ(error_of([&] { model->forward_task(x, "narrow"); }), message);
}

TEST(ModelTasks, AreFoundByNameAndPlace) {
  MultiTaskModel model = make_shared_model();
  EXPECT_EQ(model->size(), 3);
  EXPECT_EQ(model->index("b"), 1);
  EXPECT_EQ(&model->task("b"), &model->task(1));
  EXPECT_TRUE(model->has_task("c"));
  EXPECT_FALSE(model->has_task("d"));
  EXPECT_THAT(model->task_names(), ElementsAre("a", "b", "c"));
}

TEST(ModelTasks, StayWhereTheyAreWhenOthersAreAdded) {
  MultiTaskModel model;
  Task& first = model->add_task("first", LinearTask(2, 1));
  for (int i = 0; i < 100; ++i) {
    model->add_task("task" + std::to_string(i), LinearTask(2, 1));
  }
  first.weight(0.25);
  EXPECT_EQ(model->task("first").weight(), 0.25);
}

TEST(ModelTasks, GiveBackTheHeadTheyWereMadeFrom) {
  MultiTaskModel model;
  const torch::nn::Linear head(2, 1);
  model->add_task("y", Task(head, HuberLoss(0.5)));
  EXPECT_EQ(model->task("y").head().as<torch::nn::Linear>().get(), head.get());
  EXPECT_EQ(model->task("y").loss().as<HuberLoss>()->delta(), 0.5);
}

} // namespace
} // namespace polytask
