// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/tensor_sets.h"

#include <gmock/gmock.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/networks.h"

namespace polytask {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::make_shared_model;

using Identity = const c10::TensorImpl*;

std::vector<Identity> identities(const std::vector<torch::Tensor>& tensors) {
  std::vector<Identity> all;
  for (const auto& tensor : tensors) {
    all.push_back(tensor.unsafeGetTensorImpl());
  }
  return all;
}

std::vector<Identity> identities(const torch::nn::Module& module) {
  return identities(module.parameters());
}

MultiTaskModel tied_model(const LinearTask& head) {
  MultiTaskModel model;
  model->add_task("a", head);
  model->add_task("b", head);
  model->add_task("c", LinearTask(5, 1));
  return model;
}

TEST(SharedParameters, AreTheTrunks) {
  const MultiTaskModel model = make_shared_model();
  EXPECT_EQ(
      identities(model->shared_parameters()), identities(model->sharing()));
}

TEST(SharedParameters, AreNoneWithoutSharing) {
  MultiTaskModel model;
  model->add_task("a", LinearTask(5, 1));
  EXPECT_THAT(model->shared_parameters(), IsEmpty());
}

TEST(SharedParameters, AreThoseOfAHeadThatTwoTasksShare) {
  const LinearTask head(5, 1);
  const MultiTaskModel model = tied_model(head);
  EXPECT_EQ(identities(model->shared_parameters()), identities(*head));
  EXPECT_THAT(model->task_parameters("a"), IsEmpty());
  EXPECT_THAT(model->task_parameters("b"), IsEmpty());
  EXPECT_EQ(model->task_parameters("c").size(), 2);
}

TEST(SharedParameters, AreThoseOfAModuleInsideTwoHeads) {
  const torch::nn::Linear common(5, 4);
  MultiTaskModel model;
  model->add_task(
      "a",
      Task(torch::nn::Sequential(common, torch::nn::Linear(4, 1)), MSELoss()));
  model->add_task(
      "b",
      Task(torch::nn::Sequential(common, torch::nn::Linear(4, 1)), MSELoss()));
  EXPECT_EQ(identities(model->shared_parameters()), identities(*common));
  EXPECT_EQ(model->task_parameters("a").size(), 2);
  EXPECT_EQ(model->unique_parameters().size(), 6);
}

TEST(SharedParameters, AreThoseOfATrunkThatIsAlsoAHead) {
  const LinearTask both(5, 5);
  MultiTaskModel model{HardSharing(both)};
  model->add_task("a", both);
  model->add_task("b", LinearTask(5, 1));
  EXPECT_EQ(identities(model->shared_parameters()), identities(*both));
  EXPECT_THAT(model->task_parameters("a"), IsEmpty());
  EXPECT_EQ(model->unique_parameters().size(), 4);
}

TEST(TaskParameters, AreTheHeads) {
  const MultiTaskModel model = make_shared_model();
  EXPECT_EQ(
      identities(model->task_parameters("b")),
      identities(*model->task("b").head().module()));
}

TEST(UniqueParameters, AreTheSharedOnesAndThenEachTasks) {
  const MultiTaskModel model = make_shared_model();
  auto expected = identities(model->shared_parameters());
  for (const auto& name : model->task_names()) {
    const auto own = identities(model->task_parameters(name));
    expected.insert(expected.end(), own.begin(), own.end());
  }
  EXPECT_EQ(identities(model->unique_parameters()), expected);
  EXPECT_EQ(expected.size(), model->parameters().size());
}

TEST(UniqueParameters, HoldATiedHeadOnce) {
  const MultiTaskModel model = tied_model(LinearTask(5, 1));
  EXPECT_EQ(model->parameters().size(), 6);
  EXPECT_EQ(model->unique_parameters().size(), 4);
}

TEST(ParameterNames, FollowTheSharingAndTheTasks) {
  MultiTaskModel model{HardSharing(
      torch::nn::Sequential(torch::nn::Linear(2, 3), torch::nn::ReLU()))};
  model->add_task("y1", LinearTask(3, 1));
  EXPECT_THAT(
      model->named_parameters().keys(),
      ElementsAre(
          "sharing.trunk.0.weight",
          "sharing.trunk.0.bias",
          "tasks.y1.weight",
          "tasks.y1.bias"));
}

TEST(ParametersByTask, AreThoseOfEachTask) {
  MultiTaskModel model{HardSharing(torch::nn::Linear(2, 3))};
  const LinearTask tied(3, 1);
  model->add_task("a", LinearTask(3, 1));
  model->add_task("b", tied);
  model->add_task("c", tied);
  const auto all = model->parameters_by_task();
  ASSERT_EQ(all.size(), 3u);
  for (const auto& name : model->task_names()) {
    EXPECT_EQ(
        identities(all[static_cast<size_t>(model->index(name))]),
        identities(model->task_parameters(name)))
        << name;
  }
  EXPECT_TRUE(all[1].empty());
}

TEST(UniqueTensors, AreToldApartByIdentity) {
  const auto a = torch::ones({2});
  const auto b = torch::ones({2});
  const torch::Tensor same_as_a = a;
  EXPECT_EQ(
      identities(detail::unique_tensors({a, b, same_as_a, torch::Tensor()})),
      identities(std::vector<torch::Tensor>{a, b}));
}

TEST(WithoutTensors, LeavesTheOthers) {
  const auto a = torch::ones({2});
  const auto b = torch::ones({2});
  EXPECT_EQ(
      identities(detail::without({a, b}, {a})),
      identities(std::vector<torch::Tensor>{b}));
}

TEST(CountElements, AddsUpAllTensors) {
  EXPECT_EQ(
      detail::count_elements({torch::ones({2, 3}), torch::ones({4})}), 10);
  EXPECT_EQ(detail::count_elements({}), 0);
}

} // namespace
} // namespace polytask
