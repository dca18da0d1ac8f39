// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/cross_stitch.h>

#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/linear_task.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using torch::nn::Linear;

StageFactories linear_stages(const std::vector<int64_t>& widths) {
  StageFactories stages;
  for (size_t i = 1; i < widths.size(); ++i) {
    stages.emplace_back(
        [in = widths[i - 1], out = widths[i]] { return Linear(in, out); });
  }
  return stages;
}

CrossStitch stitching(
    CrossStitch sharing, const std::vector<std::string>& tasks) {
  sharing->serve(tasks);
  return sharing;
}

torch::Tensor float_matrix(const std::vector<std::vector<double>>& rows) {
  std::vector<torch::Tensor> all;
  for (const auto& row : rows) {
    all.push_back(torch::tensor(row));
  }
  return torch::stack(all).to(torch::kFloat);
}

class StitchedLinearImpl : public torch::nn::LinearImpl {
 public:
  using LinearImpl::LinearImpl;
  torch::Tensor forward(const torch::Tensor& input) {
    ++calls;
    return LinearImpl::forward(input);
  }
  int calls = 0;
};
TORCH_MODULE(StitchedLinear);

TEST(CrossStitch, StartsNearTheIdentity) {
  auto sharing =
      stitching(CrossStitch(linear_stages({5, 4, 3})), {"a", "b", "c"});
  ASSERT_EQ(sharing->stitches().size(), 2);
  for (const auto& unit : sharing->stitches()) {
    EXPECT_TRUE(torch::equal(
        unit,
        float_matrix(
            {{0.9, 0.05, 0.05}, {0.05, 0.9, 0.05}, {0.05, 0.05, 0.9}})));
  }
}

TEST(CrossStitch, StartsAsLibMTLDoesWhereAsked) {
  auto sharing = stitching(
      CrossStitch(
          linear_stages({5, 4}),
          CrossStitchOptions().init(CrossStitchInit::kOnes)),
      {"a", "b"});
  EXPECT_TRUE(torch::equal(sharing->stitches()[0], torch::ones({2, 2})));
}

TEST(CrossStitch, LeavesOneTaskAsItIs) {
  auto sharing = stitching(CrossStitch(linear_stages({5, 4, 3})), {"a"});
  const auto x = torch::randn({2, 5});
  const auto plain =
      sharing->stage(0, 1).forward(sharing->stage(0, 0).forward(x));
  EXPECT_TRUE(torch::equal(sharing->features_of(x, 0), plain));
}

TEST(CrossStitch, MixesTheFeaturesOfAllTasks) {
  auto sharing = stitching(CrossStitch(linear_stages({5, 4})), {"a", "b"});
  const auto x = torch::randn({2, 5});
  const auto a = sharing->stage(0, 0).forward(x);
  const auto b = sharing->stage(1, 0).forward(x);
  const auto mixed = sharing->features(x, 2);
  EXPECT_TRUE(torch::allclose(mixed[0], 0.9 * a + 0.1 * b));
  EXPECT_TRUE(torch::allclose(mixed[1], 0.1 * a + 0.9 * b));
}

TEST(CrossStitch, MixesEachChannelByItself) {
  StageFactories stages{[] {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 3, 3).padding(1));
  }};
  auto sharing = stitching(
      CrossStitch(stages, CrossStitchOptions().per_channel({3})), {"a", "b"});
  const auto unit = sharing->stitches()[0];
  ASSERT_EQ(unit.sizes(), (std::vector<int64_t>{3, 2, 2}));
  {
    const torch::NoGradGuard no_grad;
    unit.normal_();
  }
  const auto x = torch::randn({4, 2, 5, 6});
  const auto a = sharing->stage(0, 0).forward(x);
  const auto b = sharing->stage(1, 0).forward(x);
  const auto of = [&](int64_t t, int64_t u) {
    return unit.select(1, t).select(1, u).view({1, 3, 1, 1});
  };
  const auto mixed = sharing->features(x, 2);
  EXPECT_TRUE(
      torch::allclose(mixed[1], of(1, 0) * a + of(1, 1) * b, 1e-5, 1e-6));
  EXPECT_TRUE(
      torch::allclose(sharing->features_of(x, 1), mixed[1], 1e-5, 1e-6));
  EXPECT_TRUE(
      torch::allclose(sharing->mixing_weights()[0].values, unit.mean(0)));
}

TEST(CrossStitch, StartsAnewForMoreTasksWhereNobodyTrained) {
  auto sharing = stitching(CrossStitch(linear_stages({5, 4})), {"a", "b"});
  sharing->to(torch::kDouble); // 0.9 in single precision is another number
  sharing->serve({"a", "b", "c"});
  const auto unit = sharing->stitches()[0];
  EXPECT_EQ(unit.scalar_type(), torch::kDouble);
  EXPECT_TRUE(
      torch::equal(unit.diagonal(), torch::full({3}, 0.9, torch::kDouble)));
  EXPECT_NEAR(unit.sum().item<double>(), 3, 1e-12);
}

TEST(CrossStitch, KeepsWhatWasTrainedWhenATaskIsAdded) {
  auto sharing = stitching(CrossStitch(linear_stages({5, 4, 3})), {"a", "b"});
  for (auto& unit : sharing->stitches()) {
    const torch::NoGradGuard no_grad;
    unit.add_(torch::randn_like(unit));
    unit.requires_grad_(false);
  }
  const auto x = torch::randn({6, 5});
  const auto before = sharing->features(x, 2);
  sharing->serve({"a", "b", "c"});
  const auto after = sharing->features(x, 3);
  EXPECT_TRUE(torch::allclose(after[0], before[0], 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(after[1], before[1], 1e-5, 1e-6));
  const auto unit = sharing->stitches()[1];
  EXPECT_FALSE(unit.requires_grad());
  EXPECT_TRUE(torch::equal(unit[2], float_matrix({{0.05, 0.05, 0.9}})[0]));
  EXPECT_EQ(unit[0][2].item<double>(), 0);
}

TEST(CrossStitch, ComputesOnlyTheOwnLastStageWithoutAUnitAfterIt) {
  StageFactories stages{
      [] { return StitchedLinear(5, 4); }, [] { return StitchedLinear(4, 3); }};
  auto sharing = stitching(
      CrossStitch(stages, CrossStitchOptions().stitch_after_last(false)),
      {"a", "b"});
  EXPECT_EQ(sharing->stitches().size(), 1);
  sharing->features_of(torch::randn({2, 5}), 1);
  const auto calls = [&](int64_t task, int64_t stage) {
    return sharing->stage(task, stage).as<StitchedLinear>()->calls;
  };
  EXPECT_EQ(calls(0, 0), 1);
  EXPECT_EQ(calls(1, 0), 1);
  EXPECT_EQ(calls(0, 1), 0);
  EXPECT_EQ(calls(1, 1), 1);
}

TEST(CrossStitch, MayGiveTasksDifferentShapesAfterTheLastUnit) {
  int made = 0;
  StageFactories stages{
      [] { return Linear(5, 4); },
      [made]() mutable { return Linear(4, ++made); }};
  auto sharing = stitching(
      CrossStitch(stages, CrossStitchOptions().stitch_after_last(false)),
      {"a", "b"});
  EXPECT_EQ(sharing->features(torch::randn({2, 5}), 2)[1].size(1), 2);
}

TEST(CrossStitch, TakesSeveralNamedTensors) {
  struct AddedImpl : torch::nn::LinearImpl {
    AddedImpl() : LinearImpl(5, 4) {}
    torch::Tensor forward(const Inputs& inputs) {
      return LinearImpl::forward(inputs["x"] + inputs["y"]);
    }
  };
  StageFactories stages{[] { return std::make_shared<AddedImpl>(); }};
  auto sharing = stitching(CrossStitch(stages), {"a", "b"});
  const Inputs inputs{{"x", torch::randn({2, 5})}, {"y", torch::randn({2, 5})}};
  EXPECT_TRUE(torch::allclose(
      sharing->features_for(inputs, 1).tensor(),
      sharing->features_for_all(inputs, 2)[1].tensor()));
}

TEST(CrossStitch, TakesStagesThatWorkInPlace) {
  StageFactories stages{
      [] { return Linear(5, 4); },
      [] {
        return torch::nn::Sequential(
            torch::nn::ReLU(torch::nn::ReLUOptions(true)), Linear(4, 3));
      }};
  auto sharing = stitching(CrossStitch(stages), {"a", "b"});
  const auto x = torch::randn({2, 5});
  for (int i = 0; i < 2; ++i) {
    const auto all = sharing->features(x, 2);
    EXPECT_TRUE(torch::allclose(all[1], sharing->features_of(x, 1)));
    (all[0] + all[1]).sum().backward();
  }
}

TEST(CrossStitch, ShowsItsUnits) {
  auto sharing = stitching(CrossStitch(linear_stages({5, 4, 3})), {"a", "b"});
  const auto shown = sharing->mixing_weights();
  ASSERT_EQ(shown.size(), 2);
  EXPECT_EQ(shown[1].name, "stitches.1");
  EXPECT_EQ(shown[1].rows, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(shown[1].columns, shown[1].rows);
  EXPECT_TRUE(torch::equal(shown[1].values, sharing->stitches()[1]));
  EXPECT_FALSE(shown[1].values.requires_grad());
}

MultiTaskModel stitched_model() {
  MultiTaskModel model(CrossStitch(linear_stages({5, 3})));
  model->add_task("a", LinearTask(3, 1));
  model->add_task("b", LinearTask(3, 1));
  return model;
}

Batch stitched_batch() {
  const auto x = torch::randn({8, 5});
  return Batch(x, {{"a", x.narrow(1, 0, 1)}, {"b", x.narrow(1, 1, 1)}});
}

TEST(CrossStitch, LearnsItsUnitsAtARateOfTheirOwn) {
  auto model = stitched_model();
  auto& sharing = dynamic_cast<CrossStitchImpl&>(model->sharing());
  const auto before = sharing.stitches()[0].detach().clone();
  const auto weight = sharing.stage(0, 0).as<Linear>()->weight;
  const auto weight_before = weight.detach().clone();
  std::vector<torch::Tensor> rest;
  for (const auto& parameter : model->parameters()) {
    if (!parameter.is_same(sharing.stitches()[0])) {
      rest.push_back(parameter);
    }
  }
  torch::optim::SGD sgd(
      {torch::optim::OptimizerParamGroup(
           sharing.stitches(), std::make_unique<torch::optim::SGDOptions>(0.1)),
       torch::optim::OptimizerParamGroup(
           rest, std::make_unique<torch::optim::SGDOptions>(0.))},
      torch::optim::SGDOptions(0.1));
  JointTraining joint(model, sgd);
  joint.step(stitched_batch());
  EXPECT_FALSE(torch::equal(sharing.stitches()[0], before));
  EXPECT_TRUE(torch::equal(weight, weight_before));
}

TEST(CrossStitch, DoesNotLetAnOlderTrainingMissNewUnits) {
  auto model = stitched_model();
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  joint.step(stitched_batch());
  model->add_task("c", LinearTask(3, 1));
  EXPECT_FALSE(error_of([&] { joint.step(stitched_batch()); }).empty());
  JointTraining(model, torch::optim::SGDOptions(0.1)).step(stitched_batch());
}

TEST(CrossStitch, NeedsAStage) {
  EXPECT_TRUE(says(
      error_of([] { CrossStitch sharing(StageFactories{}); }),
      {"CrossStitch", "at least one stage"}));
  EXPECT_TRUE(says(
      error_of([] { CrossStitch sharing(StageFactories{{}}); }),
      {"CrossStitch", "factory of stage 0 is empty"}));
}

TEST(CrossStitch, NamesAnOptionOutOfItsRange) {
  const auto made = [](const CrossStitchOptions& options) {
    return error_of([&] { CrossStitch(linear_stages({5, 4, 3}), options); });
  };
  EXPECT_TRUE(
      says(made(CrossStitchOptions().initial_same(1.5)), {"[0, 1]", "1.5"}));
  EXPECT_TRUE(says(
      made(CrossStitchOptions().initial_same(std::nan(""))), {"initial_same"}));
  EXPECT_TRUE(says(
      made(CrossStitchOptions().per_channel({4})),
      {"per_channel", "2 units", "has 1"}));
  EXPECT_TRUE(says(
      made(CrossStitchOptions().per_channel({4, 0})),
      {"per_channel", "at least 1", "got 0"}));
}

TEST(CrossStitch, RefusesAModuleThatTwoTasksWouldShare) {
  const Linear one(5, 4);
  StageFactories stages{[one] { return one; }};
  CrossStitch sharing(stages);
  sharing->serve({"a"});
  EXPECT_TRUE(says(
      error_of([&] { sharing->serve({"a", "b"}); }),
      {"CrossStitch", "stage 0", "task 'b'"}));
  EXPECT_EQ(sharing->tasks().size(), 1);
  EXPECT_EQ(sharing->stitches()[0].size(0), 1);
  EXPECT_EQ(sharing->features(torch::randn({2, 5}), 1).size(), 1);
}

TEST(CrossStitch, NamesTheTasksWhoseFeaturesDifferInShape) {
  int made = 3;
  StageFactories stages{[made]() mutable { return Linear(5, ++made); }};
  auto sharing = stitching(CrossStitch(stages), {"a", "b"});
  EXPECT_TRUE(says(
      error_of([&] { sharing->features(torch::randn({2, 5}), 2); }),
      {"stage 0", "'a' [2, 4]", "'b' [2, 5]"}));
}

TEST(CrossStitch, NamesAnotherNumberOfChannels) {
  auto sharing = stitching(
      CrossStitch(linear_stages({5, 4}), CrossStitchOptions().per_channel({3})),
      {"a", "b"});
  EXPECT_TRUE(says(
      error_of([&] { sharing->features_of(torch::randn({2, 5}), 1); }),
      {"stage 0", "3 channels", "[2, 4]"}));
}

TEST(CrossStitch, RefusesUnitsThatNoMemoryHolds) {
  CrossStitch sharing(
      linear_stages({5, 4}),
      CrossStitchOptions().per_channel({int64_t{1} << 40}));
  EXPECT_TRUE(says(
      error_of([&] { sharing->serve({"a"}); }),
      {"CrossStitch", "at most", "1 tasks"}));
  EXPECT_TRUE(sharing->parameters().empty());
}

TEST(CrossStitch, PrintsItsStages) {
  std::ostringstream text;
  CrossStitch(linear_stages({5, 4, 3}))->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::CrossStitch(stages=2)");
}

} // namespace
} // namespace polytask
