// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/l1.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <functional>
#include <sstream>
#include <type_traits>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;

static_assert(!std::is_copy_assignable_v<Task>);
static_assert(!std::is_move_assignable_v<Task>);
static_assert(!std::is_copy_assignable_v<HardSharingImpl>);
static_assert(!std::is_copy_assignable_v<MultiTaskModelImpl>);
static_assert(!std::is_copy_constructible_v<MultiTaskModelImpl>);

TEST(ReplaceTask, PutsTheNewHeadEverywhere) {
  MultiTaskModel model = make_shared_model();
  Task& reference = model->task("b");
  const torch::nn::Linear fresh(8, 1);
  model->replace_task("b", Task(fresh, HuberLoss()).weight(0.5));
  EXPECT_EQ(reference.head().module(), fresh.ptr());
  EXPECT_EQ(reference.weight(), 0.5);
  EXPECT_TRUE(
      model->named_parameters()["tasks.b.weight"].is_same(fresh->weight));
  EXPECT_TRUE(model->task_parameters("b")[0].is_same(fresh->weight));
  model->to(torch::kDouble);
  model->eval();
  EXPECT_EQ(fresh->weight.scalar_type(), torch::kDouble);
  EXPECT_FALSE(fresh->is_training());
  EXPECT_THAT(model->task_names(), ::testing::ElementsAre("a", "b", "c"));
}

TEST(ReplaceTask, IsTrainedAndSaved) {
  MultiTaskModel model = make_shared_model();
  model->replace_task("b", Task(torch::nn::Linear(8, 2), HuberLoss()));
  const auto before = model->task_parameters("b")[0].clone();
  JointTraining(model, torch::optim::AdamOptions(0.05))
      .run(make_shared_batch(), 3);
  EXPECT_FALSE(torch::equal(before, model->task_parameters("b")[0]));
  std::stringstream bytes;
  torch::save(model, bytes);
  MultiTaskModel loaded = make_shared_model();
  torch::load(loaded, bytes);
  const auto x = make_shared_batch().input();
  EXPECT_TRUE(
      torch::equal(model->forward_task(x, "b"), loaded->forward_task(x, "b")));
}

TEST(ReplaceHead, KeepsLossAndWeight) {
  MultiTaskModel model = make_shared_model();
  model->replace_task("a", Task(LinearTask(8, 1), L1Loss()).weight(0.25));
  model->replace_head("a", torch::nn::Linear(8, 1));
  EXPECT_NE(model->task("a").loss().as<L1Loss>(), nullptr);
  EXPECT_EQ(model->task("a").weight(), 0.25);
}

TEST(ReplaceSharing, PutsTheNewTrunkEverywhere) {
  MultiTaskModel model = make_shared_model();
  torch::nn::Linear trunk(5, 8);
  model->replace_sharing(HardSharing(trunk));
  EXPECT_TRUE(model->shared_parameters()[0].is_same(trunk->weight));
  EXPECT_TRUE(
      model->named_parameters()["sharing.trunk.weight"].is_same(trunk->weight));
  EXPECT_TRUE(torch::equal(
      model->sharing().features_of(torch::ones({2, 5}), 0),
      trunk(torch::ones({2, 5}))));
}

TEST(Replacing, RefusesWhatThereIsNot) {
  MultiTaskModel model = make_shared_model();
  EXPECT_THAT(
      error_of([&] { model->replace_head("z", LinearTask(8, 1)); }),
      HasSubstr("there is no task 'z'"));
  EXPECT_THAT(
      error_of([&] { model->replace_sharing(std::shared_ptr<Sharing>()); }),
      HasSubstr("the sharing is empty"));
  EXPECT_EQ(
      model->structure_version(), make_shared_model()->structure_version());
}

// A change of the model, and what the error of an older training says of it.
struct Change {
  const char* name;
  void (*make)(MultiTaskModel&);
  const char* words;
};

class OlderTraining : public ::testing::TestWithParam<Change> {};

TEST_P(OlderTraining, RefusesTheChangedModelByName) {
  const Batch batch = make_shared_batch();
  MultiTaskModel model = make_shared_model();
  const torch::optim::SGDOptions sgd(0.1);
  JointTraining joint(model, sgd);
  AlternatingTraining alternating(model, sgd);
  torch::optim::SGD users(model->unique_parameters(), 0.1);
  JointTraining with_users(model, users);
  JointTraining balanced(
      model, sgd, JointTrainingOptions().balancing(balancing::make("pcgrad")));
  joint.step(batch);
  GetParam().make(model);
  const auto before = snapshot(model);
  const std::function<void()> steps[] = {
      [&] { joint.step(batch); },
      [&] { joint.run(batch, 5); },
      [&] { alternating.step(batch); },
      [&] { alternating.step_task(batch, "a"); },
      [&] { alternating.run(batch, 5); },
      [&] { with_users.step(batch); },
      [&] { balanced.step(batch); }};
  for (const auto& step : steps) {
    const auto message = error_of(step);
    EXPECT_THAT(message, HasSubstr(GetParam().words));
    EXPECT_THAT(message, HasSubstr("after this training was made"));
  }
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_NO_THROW(JointTraining(model, sgd).step(batch));
}

INSTANTIATE_TEST_SUITE_P(
    Changes,
    OlderTraining,
    ::testing::Values(
        Change{
            "Head",
            [](auto& model) { model->replace_head("b", LinearTask(8, 2)); },
            "another head for the task 'b'"},
        Change{
            "Sharing",
            [](auto& model) {
              model->replace_sharing(HardSharing(torch::nn::Linear(5, 8)));
            },
            "another sharing"},
        Change{
            "FurtherTask",
            [](auto& model) { model->add_task("d", LinearTask(8, 1)); },
            "the task 'd'"}),
    [](const auto& each) { return each.param.name; });

} // namespace
} // namespace polytask
