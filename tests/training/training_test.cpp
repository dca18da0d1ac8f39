// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/every_k_steps.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/per_group.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/temperature.h>
#include <torch/optim/sgd.h>

#include <memory>

#include "tests/support/networks.h"
#include "tests/support/twin.h"
#include "tests/support/warnings.h"

namespace polytask {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;
using testing::twin_of;
using testing::Warnings;
using torch::optim::SGDOptions;

// A loop that is written once.
int64_t three_epochs(Training& training, const Batch& batch) {
  for (int epoch = 0; epoch < 3; ++epoch) {
    training.step(batch);
    training.run(batch, 2);
    training.end_epoch();
  }
  return training.steps();
}

TEST(Training, IsOneLoopForBothStrategies) {
  const Batch batch = make_shared_batch();
  JointTraining joint(make_shared_model(), SGDOptions(0.1));
  AlternatingTraining alternating(make_shared_model(), SGDOptions(0.1));
  EXPECT_EQ(three_epochs(joint, batch), 9);
  EXPECT_EQ(three_epochs(alternating, batch), 9);
  EXPECT_EQ(joint.epochs(), 3);
  EXPECT_EQ(alternating.epochs(), 3);
}

TEST(Training, StepsThroughTheBaseAsByItself) {
  const MultiTaskModel model = make_shared_model();
  const MultiTaskModel twin = twin_of(model);
  const Batch batch = make_shared_batch();
  JointTraining direct(model, SGDOptions(0.1));
  JointTraining other(twin, SGDOptions(0.1));
  Training& base = other;
  direct.run(batch, 4);
  base.run(batch, 4);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
  EXPECT_EQ(base.model().get(), twin.get());
  EXPECT_EQ(base.balancing(), nullptr);
}

TEST(TrainingOptions, ChainInAnyOrder) {
  const JointTrainingOptions joint =
      JointTrainingOptions()
          .route(Route::kAutograd)
          .balancing(balancing::make("pcgrad"))
          .clipping(Clipping::by_norm(1))
          .report_gradients(true)
          .check_losses(false)
          .learning_rates(LearningRates().shared(0.1))
          .fixed_batch(FixedBatch::kResidual)
          .device_graph(false);
  EXPECT_EQ(joint.route(), Route::kAutograd);
  EXPECT_FALSE(joint.check_losses());
  const AlternatingTrainingOptions alternating =
      AlternatingTrainingOptions()
          .check_losses(false)
          .seed(3)
          .route(Route::kAutograd)
          .sampler(RoundRobinSampler())
          .clipping(Clipping::by_value(1));
  EXPECT_EQ(alternating.seed(), 3);
  EXPECT_EQ(alternating.route(), Route::kAutograd);
}

class EpochCounter
    : public balancing::Cloneable<EpochCounter, balancing::LossBalancing> {
 public:
  std::string name() const override {
    return "epoch_counter";
  }
  at::Tensor value(
      const at::Tensor& losses, const balancing::Extras& /*extras*/) override {
    return losses.sum();
  }
  void end_epoch() override {
    ++epochs;
  }
  bool counts_epochs() const override {
    return true;
  }

  int epochs = 0;
};

TEST(EndEpoch, IsToldToTheBalancing) {
  const auto method = std::make_shared<EpochCounter>();
  JointTraining joint(
      make_shared_model(),
      SGDOptions(0.1),
      JointTrainingOptions().shared_balancing(method));
  three_epochs(joint, make_shared_batch());
  EXPECT_EQ(method->epochs, 3);
}

TEST(EndEpoch, TeachesDWA) {
  const Batch batch = make_shared_batch();
  JointTraining joint(
      make_shared_model(),
      SGDOptions(0.05),
      JointTrainingOptions().balancing(balancing::make("dwa")));
  three_epochs(joint, batch);
  const auto weights = joint.step(batch).weights;
  EXPECT_GT((weights - 1).abs().max().item<double>(), 1e-4);
}

TEST(EndEpoch, AnnealsTheSampler) {
  AlternatingTraining alternating(
      make_shared_model(),
      SGDOptions(0.1),
      AlternatingTrainingOptions().sampler(TemperatureSampler(
          {{"a", 4}, {"b", 2}, {"c", 1}},
          TemperatureSamplerOptions(1).final_temperature(5).anneal_epochs(4))));
  const auto& sampler =
      dynamic_cast<TemperatureSampler&>(alternating.sampler());
  EXPECT_EQ(sampler.temperature(), 1);
  three_epochs(alternating, make_shared_batch());
  EXPECT_EQ(sampler.temperature(), 4);
  alternating.end_epoch();
  alternating.end_epoch();
  EXPECT_EQ(sampler.temperature(), 5);
}

class LearnsByEpochs : public ::testing::TestWithParam<const char*> {};

TEST_P(LearnsByEpochs, SaysOnceThatNoEpochEnded) {
  const Warnings warnings("training: ");
  JointTraining joint(
      make_shared_model(),
      SGDOptions(0.01),
      JointTrainingOptions().balancing(balancing::make(GetParam())));
  joint.run(make_shared_batch(), 99);
  EXPECT_THAT(warnings.texts, IsEmpty());
  joint.run(make_shared_batch(), 100);
  joint.run(make_shared_batch(), 100);
  EXPECT_THAT(warnings.texts, ElementsAre(HasSubstr("end_epoch()")));
}

TEST_P(LearnsByEpochs, SaysNothingWhereEpochsEnd) {
  const Warnings warnings("training: ");
  JointTraining joint(
      make_shared_model(),
      SGDOptions(0.01),
      JointTrainingOptions().balancing(balancing::make(GetParam())));
  joint.end_epoch();
  joint.run(make_shared_batch(), 100);
  EXPECT_THAT(warnings.texts, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    LearnsByEpochs,
    ::testing::Values("dwa", "gradnorm", "stch_warmup"),
    [](const auto& each) { return std::string(each.param); });

TEST(LongRuns, OfMethodsWithoutEpochsSayNothing) {
  const Warnings warnings("training: ");
  JointTraining joint(
      make_shared_model(),
      SGDOptions(0.01),
      JointTrainingOptions().balancing(balancing::make("pcgrad")));
  joint.run(make_shared_batch(), 150);
  EXPECT_THAT(warnings.texts, IsEmpty());
}

TEST(CountsEpochs, IsTrueOfEveryMethodThatDoesAndItsWrappers) {
  for (const char* name : {"dwa", "gradnorm", "stch_warmup", "forum"}) {
    EXPECT_TRUE(balancing::make(name)->counts_epochs()) << name;
  }
  EXPECT_FALSE(balancing::make("mgda")->counts_epochs());
  using balancing::EveryKSteps;
  using balancing::make;
  using balancing::PerGroup;
  EXPECT_TRUE(EveryKSteps(make("gradnorm"), 2).counts_epochs());
  EXPECT_FALSE(EveryKSteps(make("mgda"), 2).counts_epochs());
  for (const char* name : {"dwa", "gradnorm", "stch_warmup"}) {
    EXPECT_TRUE(PerGroup(make(name)).counts_epochs()) << name;
  }
  EXPECT_FALSE(PerGroup(make("pcgrad")).counts_epochs());
}

template <typename Strategy>
class EvalMode : public ::testing::Test {};
using EvalStrategies = ::testing::Types<JointTraining, AlternatingTraining>;
TYPED_TEST_SUITE(EvalMode, EvalStrategies);

TYPED_TEST(EvalMode, IsSaidOnceInTheLifeOfATraining) {
  const Warnings warnings("training: ");
  MultiTaskModel model = make_shared_model();
  TypeParam training(model, SGDOptions(0.1));
  training.step(make_shared_batch());
  EXPECT_THAT(warnings.texts, IsEmpty());
  model->eval();
  training.step(make_shared_batch());
  training.run(make_shared_batch(), 3);
  EXPECT_THAT(warnings.texts, ElementsAre(HasSubstr("eval mode")));
}

TEST(EvalModeOfAlternating, IsSaidForStepsOfTheCallersChoiceToo) {
  const Warnings warnings("training: ");
  MultiTaskModel model = make_shared_model();
  model->eval();
  AlternatingTraining alternating(model, SGDOptions(0.1));
  alternating.step_task(make_shared_batch(), "b");
  EXPECT_THAT(warnings.texts, ElementsAre(HasSubstr("eval mode")));
}

} // namespace
} // namespace polytask
