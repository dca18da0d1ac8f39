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

struct BothSidesImpl : torch::nn::Module {
  explicit BothSidesImpl(int64_t outputs)
      : linear(register_module("linear", torch::nn::Linear(5, outputs))) {}
  torch::Tensor forward(const Inputs& inputs) {
    return linear(torch::cat({inputs["left"], inputs["right"]}, 1));
  }
  torch::nn::Linear linear;
};
TORCH_MODULE(BothSides);

// Gives the heads of the first `given` tasks something.
struct SparingSharingImpl : Sharing {
  explicit SparingSharingImpl(int64_t given)
      : Sharing("Sparing"), given_(given) {}
  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t /*tasks*/) override {
    return std::vector<torch::Tensor>(static_cast<size_t>(given_), input);
  }
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override {
    return task < given_ ? input : torch::Tensor();
  }
  int64_t given_;
};
TORCH_MODULE(SparingSharing);

// One tensor for the first task, both for the others.
struct SplittingSharingImpl : Sharing {
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override {
    std::vector<Inputs> all;
    for (int64_t task = 0; task < tasks; ++task) {
      all.push_back(features_for(inputs, task));
    }
    return all;
  }
  Inputs features_for(const Inputs& inputs, int64_t task) override {
    return task == 0 ? Inputs(inputs["left"]) : inputs;
  }
};
TORCH_MODULE(SplittingSharing);

struct SilentSharingImpl : Sharing {};
TORCH_MODULE(SilentSharing);

Inputs two_sides() {
  return {{"left", torch::randn({4, 2})}, {"right", torch::randn({4, 3})}};
}

TEST(ModelForward, HandsInputsToTheTrunk) {
  BothSides trunk(6);
  MultiTaskModel model{HardSharing(trunk)};
  LinearTask head(6, 1);
  model->add_task("a", head);
  const Inputs inputs = two_sides();
  const auto expected = head->forward(trunk->forward(inputs));
  EXPECT_TRUE(torch::equal(model->forward(inputs)["a"], expected));
  EXPECT_TRUE(torch::equal(model->forward_task(inputs, "a"), expected));
}

TEST(ModelForward, HandsInputsToHeadsWhereNothingIsShared) {
  BothSides head(1);
  MultiTaskModel model;
  model->add_task("a", Task(head, HuberLoss()));
  const Inputs inputs = two_sides();
  EXPECT_TRUE(torch::equal(model->forward(inputs)["a"], head->forward(inputs)));
}

TEST(ModelForward, NamesTheInputsThatATrunkCannotTake) {
  const std::string said =
      error_of([] { make_shared_model()->forward(two_sides()); });
  EXPECT_THAT(said, HasSubstr("'left' [4, 2], 'right' [4, 3]"));
  EXPECT_THAT(said, HasSubstr("takes one tensor"));
}

TEST(ModelForward, NamesTheInputsThatAHeadCannotTake) {
  MultiTaskModel model;
  model->add_task("a", LinearTask(5, 1));
  const std::string said = error_of([&] { model->forward(two_sides()); });
  EXPECT_THAT(said, HasSubstr("Task 'a'"));
  EXPECT_THAT(said, HasSubstr("'left', 'right'"));
}

TEST(ModelForward, NamesAnInputThatIsMissing) {
  MultiTaskModel model{BothSides(3)};
  model->add_task("a", LinearTask(3, 1));
  const Inputs inputs{
      {"left", torch::ones({4, 2})}, {"wrong", torch::ones({4, 3})}};
  EXPECT_THAT(
      error_of([&] { model->forward(inputs); }),
      HasSubstr("there is no 'right'; there is 'left', 'wrong'"));
}

TEST(ModelForward, SharesATrunkThatItIsGivenDirectly) {
  torch::nn::Sequential trunk(torch::nn::Linear(5, 8));
  MultiTaskModel model{trunk};
  model->add_task("a", LinearTask(8, 1));
  EXPECT_NE(dynamic_cast<HardSharingImpl*>(&model->sharing()), nullptr);
  EXPECT_EQ(model->shared_parameters().size(), 2U);
  MultiTaskModel from_pointer(trunk.ptr());
  EXPECT_EQ(from_pointer->shared_parameters().size(), 2U);
  model->replace_sharing(torch::nn::Linear(4, 8));
  EXPECT_EQ(model->forward(torch::ones({2, 4}))["a"].size(0), 2);
}

TEST(ModelForward, ReadsNoFeaturesThatASharingDoesNotGive) {
  MultiTaskModel model{SparingSharing(1)};
  model->add_task("a", LinearTask(5, 1));
  model->add_task("b", LinearTask(5, 1));
  EXPECT_THAT(
      error_of([&] { model->forward(torch::ones({2, 5})); }),
      HasSubstr("Sharing 'Sparing': expected features for each of the 2 tasks, "
                "but got 1."));
  EXPECT_THAT(
      error_of([&] { model->forward_task(torch::ones({2, 5}), "b"); }),
      HasSubstr("Sharing 'Sparing': the features of task 'b' are undefined."));
  MultiTaskModel many{SparingSharing(3)};
  many->add_task("a", LinearTask(5, 1));
  EXPECT_THAT(
      error_of([&] { many->forward(torch::ones({2, 5})); }),
      HasSubstr("each of the 1 tasks, but got 3"));
}

TEST(ModelForward, TakesASharingThatHandsSeveralTensorsToHeads) {
  MultiTaskModel model{SplittingSharing()};
  torch::nn::Linear first(2, 1);
  BothSides second(1);
  model->add_task("a", Task(first, HuberLoss()));
  model->add_task("b", Task(second, HuberLoss()));
  const Inputs inputs = two_sides();
  const auto outputs = model->forward(inputs);
  EXPECT_TRUE(torch::equal(outputs["a"], first(inputs["left"])));
  EXPECT_TRUE(torch::equal(outputs["b"], second->forward(inputs)));
}

TEST(ModelForward, SaysWhatASharingHasToOverride) {
  MultiTaskModel model{SilentSharing()};
  model->add_task("a", LinearTask(5, 1));
  EXPECT_THAT(
      error_of([&] { model->forward(torch::ones({2, 5})); }),
      HasSubstr("features_for_all and features_for"));
}

TEST(ModelForward, SaysThatASharingTakesOneTensor) {
  MultiTaskModel model{SparingSharing(1)};
  model->add_task("a", LinearTask(5, 1));
  EXPECT_THAT(
      error_of([&] { model->forward(two_sides()); }),
      HasSubstr("Sharing 'Sparing' takes one tensor, but there are 'left', "
                "'right'"));
}

TEST(ModelForward, FindsEachOfManyTasks) {
  MultiTaskModel model;
  for (int task = 0; task < 2000; ++task) {
    model->add_task("t" + std::to_string(task), LinearTask(1, 1));
  }
  for (int64_t task = 0; task < 2000; ++task) {
    ASSERT_EQ(model->index("t" + std::to_string(task)), task);
  }
  EXPECT_FALSE(model->has_task("t2000"));
}

} // namespace
} // namespace polytask
