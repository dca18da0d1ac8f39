// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/polytask.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

// What polytask says to each misuse: who, expected, found.

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;
using torch::optim::SGDOptions;

struct Misuse {
  const char* name;
  std::function<void()> action;
  std::vector<std::string> words;
};

torch::Tensor some_rows(int64_t width) {
  return torch::randn({4, width});
}

torch::Tensor some_integers(at::IntArrayRef shape) {
  return torch::zeros(shape, torch::kLong);
}

torch::Tensor input_with_nan() {
  return torch::full({4, 5}, std::nan(""));
}

// The ways into the engine; a misuse meets the same words on each.
struct Door {
  const char* name;
  Route route;
  /// A trunk that the engine has a program for.
  bool layers;
  bool run;
};

const Door kDoors[] = {
    {"Autograd", Route::kAutograd, false, false},
    {"AutogradRun", Route::kAutograd, true, true},
    {"StackedHeads", Route::kAuto, false, false},
    {"Program", Route::kAuto, true, false},
    {"ProgramRun", Route::kAuto, true, true}};

Door door = kDoors[0];

MultiTaskModel model_behind_the_door() {
  if (!door.layers) {
    return make_shared_model();
  }
  torch::nn::Sequential trunk(torch::nn::Linear(5, 8), torch::nn::Tanh());
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", LinearTask(8, 2));
  model->add_task("c", LinearTask(8, 1));
  return model;
}

void step_through_the_door(const MultiTaskModel& model, const Batch& batch) {
  JointTraining joint(
      model, SGDOptions(0.1), JointTrainingOptions().route(door.route));
  door.run ? joint.run(batch, 30) : joint.step(batch);
}

// Tasks "a", "b", "c" on a trunk from 5 to 8; a joint step on `batch`.
void joint_step(const Batch& batch) {
  step_through_the_door(model_behind_the_door(), batch);
}

void alternating_step(const Batch& batch, const std::string& task) {
  AlternatingTraining(
      model_behind_the_door(),
      SGDOptions(0.1),
      AlternatingTrainingOptions().route(door.route))
      .step_task(batch, task);
}

// One task "speed" on an input of width 5, without a trunk.
void speed_step(Task task, const torch::Tensor& x, const torch::Tensor& y) {
  MultiTaskModel model;
  model->add_task("speed", std::move(task));
  step_through_the_door(model, Batch(x, {{"speed", y}}));
}

void joint_with(const LearningRates& rates) {
  JointTraining(
      make_shared_model(),
      SGDOptions(0.1),
      JointTrainingOptions().learning_rates(rates));
}

void sample_with(const TaskSampler& sampler) {
  AlternatingTraining(
      make_shared_model(),
      SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(sampler));
}

Task three_classes() {
  return Task(torch::nn::Linear(5, 3), CrossEntropyLoss());
}

data::Dataset four_rows() {
  return data::Dataset(some_rows(5), {{"a", some_rows(1)}});
}

class EveryMisuse : public ::testing::TestWithParam<std::tuple<Door, Misuse>> {
};

TEST_P(EveryMisuse, IsRefusedInPlainWords) {
  door = std::get<Door>(GetParam());
  const Misuse& misuse = std::get<Misuse>(GetParam());
  const std::string message = testing::error_of(misuse.action);
  ASSERT_NE(message, "");
  for (const auto& word : misuse.words) {
    EXPECT_THAT(message, ::testing::HasSubstr(word));
  }
}

std::string misuse_name(
    const ::testing::TestParamInfo<std::tuple<Door, Misuse>>& each) {
  return std::string(std::get<Misuse>(each.param).name) +
      std::get<Door>(each.param).name;
}

template <typename Misuses>
auto at_every_door(const Misuses& misuses) {
  return ::testing::Combine(
      ::testing::ValuesIn(kDoors), ::testing::ValuesIn(misuses));
}

// Those that do not come to the engine.
template <typename Misuses>
auto at_one_door(const Misuses& misuses) {
  return ::testing::Combine(
      ::testing::Values(kDoors[0]), ::testing::ValuesIn(misuses));
}

const Misuse kTaskNameMisuses[] = {
    {"UnknownTaskInABatch",
     [] { joint_step(Batch(some_rows(5), {{"z", some_rows(1)}})); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"UnknownTaskBesideADrawnOne",
     [] {
       alternating_step(
           Batch(some_rows(5), {{"a", some_rows(1)}, {"z", some_rows(1)}}),
           "a");
     },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"UnknownTaskOfAModel",
     [] { make_shared_model()->task("z"); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"UnknownPlaceOfATask",
     [] { make_shared_model()->task(3); },
     {"no task at place 3", "'a', 'b', 'c'"}},
    {"NegativePlaceOfATask",
     [] { make_shared_model()->task(-1); },
     {"no task at place -1", "'a', 'b', 'c'"}},
    {"UnknownTaskToForward",
     [] { make_shared_model()->forward_task(some_rows(5), "z"); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"UnknownTaskToFreeze",
     [] { make_shared_model()->freeze("z"); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"UnknownTaskOfParameters",
     [] { make_shared_model()->task_parameters("z"); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"UnknownTaskToStep",
     [] { alternating_step(make_shared_batch(), "z"); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"UnknownTaskOfASampler",
     [] { sample_with(ProportionalSampler({{"z", 1}})); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"NoNumberForATask",
     [] { sample_with(ProportionalSampler({{"a", 1}, {"b", 1}})); },
     {"no number", "'c'"}},
    {"UnknownTaskOfALearningRate",
     [] { joint_with(LearningRates().task("z", 0.1)); },
     {"no task 'z'", "'a', 'b', 'c'"}},
    {"TaskNameTwice",
     [] { make_shared_model()->add_task("b", LinearTask(8, 1)); },
     {"'b' already"}},
    {"TaskNameWithADot",
     [] { make_shared_model()->add_task("speed.x", LinearTask(8, 1)); },
     {"'speed.x'", "dot"}},
    {"TaskNameEmpty",
     [] { make_shared_model()->add_task("", LinearTask(8, 1)); },
     {"needs a name"}},
    {"DrawnTaskMissingInTheBatch",
     [] { alternating_step(Batch(some_rows(5), {{"a", some_rows(1)}}), "b"); },
     {"no task 'b'", "'a'"}},
};

const Misuse kTargetMisuses[] = {
    {"TargetOfAnotherShape",
     [] { joint_step(Batch(some_rows(5), {{"b", some_rows(3)}})); },
     {"Task 'b'", "[4, 2]", "[4, 3]"}},
    {"TargetWithoutAColumn",
     [] { joint_step(Batch(some_rows(5), {{"a", torch::randn({4})}})); },
     {"Task 'a'", "[4, 1]", "[4]"}},
    {"TargetOfAnotherDtype",
     [] {
       joint_step(
           Batch(some_rows(5), {{"a", some_rows(1).to(torch::kDouble)}}));
     },
     {"Task 'a'", "Float", "Double"}},
    {"IntegerTargetOfARegression",
     [] { joint_step(Batch(some_rows(5), {{"a", some_integers({4, 1})}})); },
     {"Task 'a'", "Float", "Long"}},
    {"FloatTargetOfAClassification",
     [] { speed_step(three_classes(), some_rows(5), torch::zeros({4})); },
     {"Task 'speed'", "class indices", "Long", "Float"}},
    {"TwoColumnsOfClassIndices",
     [] { speed_step(three_classes(), some_rows(5), some_integers({4, 2})); },
     {"Task 'speed'", "[4]", "[4, 2]"}},
    {"ClassIndexOutOfRange",
     [] { speed_step(three_classes(), some_rows(5), some_integers({4}) + 7); },
     {"Task 'speed'", "7"}},
    {"TargetUndefined",
     [] { Batch(some_rows(5), {{"a", torch::Tensor()}}); },
     {"target", "'a'", "undefined"}},
    {"WeightOfARowBelowZero",
     [] {
       Batch(some_rows(5), {{"a", torch::randn({4, 1})}})
           .with_weights({{"a", torch::tensor({1.0, 1.0, -0.5, 1.0})}});
     },
     {"'a'", "weights of rows", "1 of 4 is negative, NaN or infinite"}},
    {"WeightsOfOtherRows",
     [] {
       Batch(some_rows(5), {{"a", torch::randn({4, 1})}})
           .with_weights({{"a", torch::ones({3})}});
     },
     {"'a'", "weights of rows", "[4]", "[3]"}},
    {"TargetWithOtherRows",
     [] { Batch(some_rows(5), {{"a", torch::randn({3, 1})}}); },
     {"'a'", "4 input rows", "[3, 1]"}},
};

const Misuse kInputMisuses[] = {
    {"IntegerInputOfALinearTask",
     [] { speed_step(LinearTask(5, 1), some_integers({4, 5}), some_rows(1)); },
     {"Task 'speed'", "floating-point", "Long"}},
    {"InputOfAnotherDtype",
     [] {
       joint_step(
           Batch(some_rows(5).to(torch::kDouble), {{"a", some_rows(1)}}));
     },
     {"input", "Float", "Double"}},
    {"InputOnAnotherDevice",
     [] {
       joint_step(Batch(
           some_rows(5).to(torch::kMeta),
           {{"a", some_rows(1).to(torch::kMeta)}},
           BatchOptions().check_input(false).complete(true)));
     },
     {"batch is on meta", "model on cpu"}},
    {"InputThatDoesNotFitTheTrunk",
     [] { joint_step(Batch(some_rows(3), {{"a", some_rows(1)}})); },
     {"trunk", "[4, 3]"}},
    {"InputThatDoesNotFitATask",
     [] { speed_step(LinearTask(5, 1), some_rows(3), some_rows(1)); },
     {"Task 'speed'", "[B, 5]", "[4, 3]"}},
    {"TrunkThatDoesNotFitAHead",
     [] {
       MultiTaskModel model{HardSharing(torch::nn::Linear(5, 8))};
       model->add_task("speed", LinearTask(6, 1));
       JointTraining(model, SGDOptions(0.1))
           .step(Batch(some_rows(5), {{"speed", some_rows(1)}}));
     },
     {"Task 'speed'", "head", "[B, 6]", "[4, 8]"}},
    {"InputWithNaN",
     [] { joint_step(Batch(input_with_nan(), {{"a", some_rows(1)}})); },
     {"input", "20 NaN"}},
    {"InputOfATaskWithNaN",
     [] {
       joint_step(Batch::per_task({{"a", input_with_nan(), some_rows(1)}}));
     },
     {"input of task 'a'", "20 NaN"}},
    {"InputUndefined",
     [] { Batch(torch::Tensor(), {{"a", some_rows(1)}}); },
     {"input", "'a'", "undefined"}},
    {"InputWithoutRows",
     [] { Batch(torch::randn({0, 5}), {{"a", torch::randn({0, 1})}}); },
     {"'a'", "no rows"}},
    {"BatchWithoutTasks",
     [] { Batch(some_rows(5), {}); },
     {"Batch", "no task"}},
    {"TaskTwiceInABatch",
     [] { Batch(some_rows(5), {{"a", some_rows(1)}, {"a", some_rows(1)}}); },
     {"'a'", "more than once"}},
};

const Misuse kTrainingMisuses[] = {
    {"ModelWithoutTasks",
     [] { JointTraining(MultiTaskModel(), SGDOptions(0.1)); },
     {"no task", "add_task"}},
    {"ModelEmpty",
     [] { JointTraining(MultiTaskModel(nullptr), SGDOptions(0.1)); },
     {"model is empty"}},
    {"LossNaN",
     [] {
       speed_step(
           Task(
               LinearTask(5, 1),
               [](const auto& output, const auto&) {
                 return output.sum() * std::numeric_limits<double>::quiet_NaN();
               }),
           some_rows(5),
           some_rows(1));
     },
     {"Task 'speed'", "loss is nan", "as they were"}},
    {"LossThatIsNoScalar",
     [] {
       speed_step(
           Task(
               LinearTask(5, 1),
               [](const auto& output, const auto& target) {
                 return (output - target).square();
               }),
           some_rows(5),
           some_rows(1));
     },
     {"Task 'speed'", "one floating-point value", "[4, 1]"}},
    {"TaskWeightNegative",
     [] { make_shared_model()->task("a").weight(-1); },
     {"weight", "at least 0", "-1"}},
    {"TaskWeightNaN",
     [] { make_shared_model()->task("a").weight(std::nan("")); },
     {"weight", "finite", "nan"}},
    {"OptimizerOptionsOfLBFGS",
     [] {
       JointTraining(make_shared_model(), torch::optim::LBFGSOptions(0.1));
     },
     {"expected options of SGD", "Construct another optimizer yourself"}},
    {"OptimizerLBFGS",
     [] {
       const MultiTaskModel model = make_shared_model();
       torch::optim::LBFGS optimizer(model->unique_parameters());
       JointTraining(model, optimizer);
     },
     {"LBFGS", "closure"}},
    {"LearningRateNegative",
     [] { JointTraining(make_shared_model(), SGDOptions(-0.1)); },
     {"learning rate", "at least 0", "-0.1"}},
    {"LearningRateOfATaskNegative",
     [] { joint_with(LearningRates().task("b", -0.1)); },
     {"task 'b'", "at least 0", "-0.1"}},
    {"LearningRateOfTheTrunkNaN",
     [] { joint_with(LearningRates().shared(std::nan(""))); },
     {"what tasks share", "finite", "nan"}},
    {"LearningRateTwice",
     [] { joint_with(LearningRates().task("b", 0.1).task("b", 0.1)); },
     {"task 'b'", "more than one"}},
    {"ZeroSteps",
     [] {
       JointTraining(make_shared_model(), SGDOptions(0.1))
           .run(make_shared_batch(), 0);
     },
     {"at least one step", "0"}},
    {"ClippingLimitZero",
     [] { Clipping::by_norm(0); },
     {"Clipping", "positive", "0"}},
    {"ClippingLimitNaN",
     [] { Clipping::by_value(std::nan("")); },
     {"Clipping", "positive", "nan"}},
    {"PinballQuantileOutOfRange",
     [] { PinballLoss({0.5, 1.5}); },
     {"quantiles", "between 0 and 1", "1.5"}},
    {"HuberDeltaZero",
     [] { HuberLoss(0); },
     {"HuberLoss", "positive delta", "0"}},
    {"CrossEntropySmoothing",
     [] { CrossEntropyLoss(CrossEntropyLossOptions().label_smoothing(2)); },
     {"smoothing", "from 0 to 1", "2"}},
};

const Misuse kDataMisuses[] = {
    {"CsvBadCell",
     [] {
       std::istringstream text("x,y\n1,2\n3,four\n");
       data::parse_csv(text, "energy.csv");
     },
     {"energy.csv", "line 3", "'y'", "four"}},
    {"ArffBadCell",
     [] {
       std::istringstream text(
           "@relation r\n@attribute x numeric\n@data\n1\ntwo\n");
       data::parse_arff(text, "school.arff");
     },
     {"school.arff", "line 5", "'x'", "two"}},
    {"CsvUnknownColumn",
     [] {
       std::istringstream text("x,y\n1,2\n");
       data::parse_csv(text, "energy.csv").values({"z"});
     },
     {"no column 'z'", "'x', 'y'"}},
    {"RowOutOfRange",
     [] { four_rows().select(some_integers({1}) + 9); },
     {"from 0 to 3", "9"}},
    {"SplitRowOutOfRange",
     [] { data::complement(some_integers({1}) + 9, 4); },
     {"complement", "from 0 to 3", "9"}},
    {"SplitFractionOutOfRange",
     [] { data::random_split(10, 1.5, 0); },
     {"test fraction", "between 0 and 1", "1.5"}},
    {"LoaderBatchSizeZero",
     [] { data::Loader(four_rows(), data::LoaderOptions().batch_size(0)); },
     {"batch_size", "1 or more", "0"}},
    {"LoaderUnknownTask",
     [] { data::MultiLoader({four_rows()}).next("z"); },
     {"no task 'z'", "'a'"}},
};

INSTANTIATE_TEST_SUITE_P(
    TaskNames, EveryMisuse, at_every_door(kTaskNameMisuses), misuse_name);
INSTANTIATE_TEST_SUITE_P(
    Targets, EveryMisuse, at_every_door(kTargetMisuses), misuse_name);
INSTANTIATE_TEST_SUITE_P(
    Inputs, EveryMisuse, at_every_door(kInputMisuses), misuse_name);
INSTANTIATE_TEST_SUITE_P(
    Training, EveryMisuse, at_every_door(kTrainingMisuses), misuse_name);
INSTANTIATE_TEST_SUITE_P(
    Data, EveryMisuse, at_one_door(kDataMisuses), misuse_name);

} // namespace
} // namespace polytask
