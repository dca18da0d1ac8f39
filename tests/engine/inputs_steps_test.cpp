// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/simple.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::same_bits;
using testing::says;
using testing::snapshot;

constexpr int64_t kSidedRows = 12;

// One network of two tensors, and of both next to each other.
struct SidedImpl : torch::nn::Module {
  explicit SidedImpl(int64_t outputs)
      : linear(register_module("linear", torch::nn::Linear(5, outputs))) {}
  torch::Tensor forward(const Inputs& inputs) {
    return linear(torch::cat({inputs["left"], inputs["right"]}, 1)).tanh();
  }
  torch::Tensor forward(const torch::Tensor& joined) {
    return linear(joined).tanh();
  }
  torch::nn::Linear linear;
};
TORCH_MODULE(Sided);

enum class Shape { kTrunk, kTrunkAndHeads, kHeads };

struct SidedJob {
  Shape shape = Shape::kTrunk;
  std::string method; // of joint steps; "alternating"; or empty
  Route route = Route::kAuto;
  Route taken = Route::kAutograd;
};

std::ostream& operator<<(std::ostream& stream, const SidedJob& job) {
  const char* shapes[] = {"trunk", "trunk and heads", "heads"};
  return stream << shapes[static_cast<int>(job.shape)] << ", '" << job.method
                << "', " << job.taken;
}

MultiTaskModel sided_model(Shape shape, at::ScalarType type) {
  torch::manual_seed(11);
  MultiTaskModel model;
  if (shape != Shape::kHeads) {
    model = MultiTaskModel(Sided(4));
  }
  for (const auto& name : {"a", "b", "c"}) {
    switch (shape) {
      case Shape::kTrunk:
        model->add_task(name, Task(torch::nn::Linear(4, 2), MSELoss()));
        break;
      case Shape::kTrunkAndHeads:
        model->add_task(
            name,
            Task(
                torch::nn::Sequential(
                    torch::nn::Linear(4, 2), torch::nn::Sigmoid()),
                MSELoss()));
        break;
      case Shape::kHeads:
        model->add_task(name, Task(Sided(2), MSELoss()));
        break;
    }
  }
  model->to(type);
  return model;
}

struct SidedBatches {
  explicit SidedBatches(at::ScalarType type) {
    torch::manual_seed(12);
    const auto left = torch::randn({kSidedRows, 2}, type);
    const auto right = torch::randn({kSidedRows, 3}, type);
    Batch::Targets targets;
    for (const auto& name : {"a", "b", "c"}) {
      targets.emplace_back(name, torch::randn({kSidedRows, 2}, type));
    }
    inputs.emplace_back(Inputs{{"left", left}, {"right", right}}, targets);
    joined.emplace_back(torch::cat({left, right}, 1), targets);
  }
  std::vector<Batch> inputs;
  std::vector<Batch> joined;
};

std::unique_ptr<Training> sided_training(
    const MultiTaskModel& model, const SidedJob& job, Route route) {
  const auto optimizer = torch::optim::SGDOptions(0.1).momentum(0.5);
  if (job.method == "alternating") {
    return std::make_unique<AlternatingTraining>(
        model,
        optimizer,
        AlternatingTrainingOptions().sampler(RoundRobinSampler()).route(route));
  }
  JointTrainingOptions options;
  options.route(route);
  if (!job.method.empty()) {
    options.balancing(balancing::make(job.method));
  }
  return std::make_unique<JointTraining>(model, optimizer, options);
}

class InputsSteps
    : public ::testing::TestWithParam<std::tuple<SidedJob, at::ScalarType>> {};

TEST_P(InputsSteps, EqualThoseOnTheTensorsSideBySide) {
  const auto& [job, type] = GetParam();
  const SidedBatches batches(type);
  auto model = sided_model(job.shape, type);
  auto twin = sided_model(job.shape, type);
  ASSERT_TRUE(same_bits(snapshot(model), snapshot(twin)));
  auto training = sided_training(model, job, job.route);
  auto reference = sided_training(twin, job, Route::kAutograd);
  const double tolerance = type == at::kDouble ? 1e-12 : 1e-5;
  for (int step = 0; step < 4; ++step) {
    const auto report = training->step(batches.inputs[0]);
    const auto expected = reference->step(batches.joined[0]);
    EXPECT_EQ(training->route().route, job.taken) << training->route().reason;
    EXPECT_EQ(report.task, expected.task);
    EXPECT_TRUE(
        torch::allclose(report.losses, expected.losses, tolerance, tolerance));
  }
  const auto trained = snapshot(model);
  const auto expected = snapshot(twin);
  for (size_t i = 0; i < trained.size(); ++i) {
    EXPECT_TRUE(torch::allclose(trained[i], expected[i], tolerance, tolerance))
        << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Routes,
    InputsSteps,
    ::testing::Combine(
        ::testing::Values(
            SidedJob{Shape::kTrunk, "", Route::kAuto, Route::kStackedHeads},
            SidedJob{Shape::kTrunk, "", Route::kAutograd},
            SidedJob{
                Shape::kTrunk,
                "alternating",
                Route::kAuto,
                Route::kStackedHeads},
            SidedJob{Shape::kTrunkAndHeads, ""},
            SidedJob{Shape::kTrunkAndHeads, "alternating"},
            SidedJob{Shape::kHeads, ""},
            SidedJob{Shape::kHeads, "alternating"},
            SidedJob{Shape::kHeads, "dwa"},
            SidedJob{Shape::kTrunk, "dwa"},
            SidedJob{Shape::kTrunk, "famo"},
            SidedJob{
                Shape::kTrunk, "upgrad", Route::kAuto, Route::kBatchedJacobian},
            SidedJob{
                Shape::kTrunkAndHeads,
                "graddrop",
                Route::kBatchedJacobian,
                Route::kBatchedJacobian},
            SidedJob{Shape::kTrunk, "upgrad", Route::kAutograd},
            SidedJob{Shape::kTrunkAndHeads, "mgda", Route::kAutograd},
            SidedJob{
                Shape::kTrunkAndHeads,
                "mgda",
                Route::kStreamedGramian,
                Route::kStreamedGramian}),
        ::testing::Values(at::kFloat, at::kDouble)));

// A network in front of heads that take its output and one of the inputs.
struct PassingSharingImpl : Sharing {
  PassingSharingImpl()
      : linear(register_module("linear", torch::nn::Linear(2, 4))) {}
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override {
    return std::vector<Inputs>(
        static_cast<size_t>(tasks), features_for(inputs, 0));
  }
  Inputs features_for(const Inputs& inputs, int64_t /*task*/) override {
    const auto wide = linear(inputs["left"]);
    return {{"first", wide.tanh()}, {"second", wide.sigmoid()}};
  }
  torch::nn::Linear linear;
};
TORCH_MODULE(PassingSharing);

struct MergingHeadImpl : torch::nn::Module {
  MergingHeadImpl()
      : linear(register_module("linear", torch::nn::Linear(8, 2))) {}
  torch::Tensor forward(const Inputs& inputs) {
    return linear(torch::cat({inputs["first"], inputs["second"]}, 1));
  }
  torch::nn::Linear linear;
};
TORCH_MODULE(MergingHead);

TEST(InputsSteps, SendGradientsThroughAllFeatureTensors) {
  const SidedBatches batches(at::kDouble);
  std::vector<std::vector<torch::Tensor>> trained;
  for (const std::string method : {"", "sum", "mgda"}) {
    torch::manual_seed(13);
    MultiTaskModel model{PassingSharing()};
    for (const auto& name : {"a", "b", "c"}) {
      model->add_task(name, Task(MergingHead(), MSELoss()));
    }
    model->to(at::kDouble);
    const auto before = snapshot(model);
    auto training = sided_training(model, {{}, method}, Route::kAuto);
    training->step(batches.inputs[0]);
    trained.push_back(snapshot(model));
    EXPECT_FALSE(same_bits({before[0]}, {trained.back()[0]})) << method;
  }
  for (size_t i = 0; i < trained[0].size(); ++i) {
    EXPECT_TRUE(torch::allclose(trained[0][i], trained[1][i], 1e-12, 1e-12));
  }
}

TEST(InputsSteps, ReachAnInputThatLearns) {
  auto model = sided_model(Shape::kTrunkAndHeads, at::kDouble);
  const SidedBatches batches(at::kDouble);
  const auto left = torch::randn({kSidedRows, 2}, at::kDouble).requires_grad_();
  const Inputs inputs{
      {"left", left}, {"right", batches.inputs[0].inputs()["right"]}};
  const Batch batch(
      inputs, {{"a", batches.inputs[0].part("a").labels.target()}});
  sided_training(model, {}, Route::kAuto)->step(batch);
  EXPECT_GT(left.grad().abs().sum().item<double>(), 0);
}

TEST(InputsSteps, SayWhyNoFasterRouteIsTaken) {
  MultiTaskModel model{
      torch::nn::Sequential(torch::nn::Linear(5, 4), torch::nn::Tanh())};
  model->add_task("a", LinearTask(4, 2));
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  EXPECT_EQ(joint.route().route, Route::kTrunkProgram);
  const auto before = snapshot(model);
  const Batch batch(
      Inputs{{"left", torch::ones({2, 2})}, {"right", torch::ones({2, 3})}},
      {{"a", torch::ones({2, 2})}});
  EXPECT_TRUE(says(
      error_of([&] { joint.step(batch); }),
      {"HardSharing", "'left' [2, 2], 'right' [2, 3]"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_EQ(joint.route().route, Route::kAutograd);
  EXPECT_EQ(joint.route().reason, "the input is several tensors");
}

TEST(InputsSteps, RefuseAnInputOfAnotherPrecisionByItsName) {
  auto model = sided_model(Shape::kTrunk, at::kFloat);
  const Batch batch(
      Inputs{
          {"left", torch::ones({2, 2})},
          {"right", torch::ones({2, 3}, at::kDouble)}},
      {{"a", torch::ones({2, 2})}});
  EXPECT_TRUE(says(
      error_of([&] { sided_training(model, {}, Route::kAuto)->step(batch); }),
      {"input 'right' of dtype", "Double"}));
}

TEST(InputsSteps, RefuseASharingThatGivesTooLittle) {
  struct ShortSharingImpl : Sharing {
    std::vector<torch::Tensor> features(
        const torch::Tensor& input, int64_t /*tasks*/) override {
      return {input};
    }
    torch::Tensor features_of(
        const torch::Tensor& input, int64_t /*task*/) override {
      return input;
    }
  };
  MultiTaskModel model(
      std::shared_ptr<Sharing>(std::make_shared<ShortSharingImpl>()));
  model->add_task("a", LinearTask(5, 2));
  model->add_task("b", LinearTask(5, 2));
  const SidedBatches batches(at::kFloat);
  const Batch& joined = batches.joined[0];
  const Batch batch(
      joined.input(),
      {{"a", joined.part("a").labels.target()},
       {"b", joined.part("b").labels.target()}});
  for (const std::string method : {"", "dwa"}) {
    const auto before = snapshot(model);
    EXPECT_TRUE(says(
        error_of([&] {
          sided_training(model, {{}, method}, Route::kAuto)->step(batch);
        }),
        {"expected features for each of the 2 tasks, but got 1"}));
    EXPECT_TRUE(same_bits(before, snapshot(model)));
  }
}

TEST(InputsSteps, TakeTasksWithInputsOfTheirOwn) {
  MultiTaskModel model;
  torch::manual_seed(3);
  model->add_task("a", Task(Sided(2), MSELoss()));
  model->add_task("b", LinearTask(7, 1));
  const Batch batch = Batch::per_task(
      {{"a",
        Inputs{{"left", torch::randn({4, 2})}, {"right", torch::randn({4, 3})}},
        torch::randn({4, 2})},
       {"b", torch::randn({6, 7}), torch::randn({6, 1})}});
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  const auto first = joint.step(batch).losses;
  const auto second = joint.step(batch).losses;
  EXPECT_TRUE(second.lt(first).all().item<bool>());
}

/// Goes by which of its inputs it is given.
class SignedImpl : public torch::nn::Cloneable<SignedImpl> {
 public:
  SignedImpl() {
    reset();
  }
  void reset() override {
    linear = register_module("linear", torch::nn::Linear(3, 2));
  }
  torch::Tensor forward(const Inputs& inputs) {
    return inputs.has("minus") ? linear(-inputs["minus"])
                               : linear(inputs["plus"]);
  }
  torch::nn::Linear linear{nullptr};
};
TORCH_MODULE(Signed);

TEST(InputsSteps, TellOneTensorUnderTwoNamesApart) {
  torch::manual_seed(4);
  const auto x = torch::randn({6, 3});
  const auto y = torch::randn({6, 1});
  const auto losses_of = [&](const torch::Tensor& other) {
    torch::manual_seed(5);
    MultiTaskModel model{Signed()};
    model->add_task("a", LinearTask(2, 1));
    model->add_task("b", LinearTask(2, 1));
    const Batch batch = Batch::per_task(
        {{"a", Inputs{{"plus", x}}, y}, {"b", Inputs{{"minus", other}}, y}});
    EXPECT_EQ(
        batch.to(torch::kCPU).part("b").inputs.names(),
        std::vector<std::string>{"minus"});
    JointTraining joint(model, torch::optim::SGDOptions(0.1));
    return joint.step(batch).losses;
  };
  EXPECT_TRUE(torch::equal(losses_of(x), losses_of(x.clone())));
}

} // namespace
} // namespace polytask
