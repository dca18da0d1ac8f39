// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/engine/route.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/original_job.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::OriginalJob;
using testing::snapshot;
using torch::nn::Linear;
using torch::optim::SGDOptions;

JointTraining joint_of(
    const MultiTaskModel& model, Route route = Route::kAuto) {
  return JointTraining(
      model, SGDOptions(0.1), JointTrainingOptions().route(route));
}

MultiTaskModel two_tasks(Network trunk, int64_t features) {
  MultiTaskModel model{HardSharing(std::move(trunk))};
  model->add_task("y1", LinearTask(features, 1));
  model->add_task("y2", LinearTask(features, 1));
  return model;
}

TEST(RouteChoice, OfLinearTasksIsTheLinearProgram) {
  const OriginalJob job(1);
  JointTraining joint = joint_of(job.model());
  EXPECT_EQ(joint.route().route, Route::kLinearProgram);
  joint.step(job.batch());
  EXPECT_EQ(joint.route().route, Route::kLinearProgram);
}

TEST(RouteChoice, OfARunOnOneBatchIsItsNormalEquations) {
  const OriginalJob job(1);
  JointTraining joint = joint_of(job.model());
  joint.run(job.batch(), 300);
  EXPECT_THAT(joint.route().reason, HasSubstr("normal equations"));
}

TEST(RouteChoice, OfALayeredTrunkIsTheTrunkProgram) {
  torch::nn::Sequential trunk(Linear(2, 4), torch::nn::ReLU());
  JointTraining joint = joint_of(two_tasks(trunk, 4));
  joint.step(OriginalJob(1).batch());
  EXPECT_EQ(joint.route().route, Route::kTrunkProgram);
}

TEST(RouteChoice, OfAnotherTrunkIsStackedHeadsAndNamesTheLayer) {
  torch::nn::Sequential trunk(Linear(2, 4), torch::nn::Softsign());
  JointTraining joint = joint_of(two_tasks(trunk, 4));
  joint.step(OriginalJob(1).batch());
  EXPECT_EQ(joint.route().route, Route::kStackedHeads);
  EXPECT_THAT(joint.route().reason, HasSubstr("Softsign"));
}

template <typename Activation>
Task deep_task(int64_t features) {
  const torch::nn::Sequential head(
      Linear(features, 4), Activation(), Linear(4, 1));
  return Task(head, MSELoss());
}

TEST(RouteChoice, OfAnotherHeadBehindLayersIsLayersAndNamesTheTask) {
  const torch::nn::Sequential trunk(Linear(2, 4), torch::nn::ReLU());
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("y1", LinearTask(4, 1));
  model->add_task("y2", deep_task<torch::nn::Softsign>(4));
  JointTraining joint = joint_of(model);
  EXPECT_EQ(joint.route().route, Route::kLayers);
  joint.step(OriginalJob(1).batch());
  EXPECT_EQ(joint.route().route, Route::kLayers);
  EXPECT_THAT(joint.route().reason, HasSubstr("'y2' is not linear"));
  EXPECT_THAT(joint.route().reason, HasSubstr("Softsign"));
}

TEST(RouteChoice, OfHeadsOfSeveralLayersIsTheTrunkProgram) {
  MultiTaskModel model;
  model->add_task("y1", LinearTask(2, 1));
  model->add_task("y2", deep_task<torch::nn::ReLU>(2));
  JointTraining joint = joint_of(model);
  joint.step(OriginalJob(1).batch());
  EXPECT_EQ(joint.route().route, Route::kTrunkProgram);
}

TEST(RouteChoice, OfLayersThatWereAskedForIsThatOne) {
  const torch::nn::Sequential trunk(Linear(2, 4), torch::nn::ReLU());
  JointTraining joint = joint_of(two_tasks(trunk, 4), Route::kLayers);
  joint.step(OriginalJob(1).batch());
  EXPECT_EQ(joint.route().route, Route::kLayers);
  EXPECT_THAT(
      error_of([] { joint_of(OriginalJob(1).model(), Route::kLayers); }),
      HasSubstr("'layers' cannot take this model"));
}

// Linear heads on each place of a sequence.
TEST(RouteChoice, OfAStepWhoseFeaturesAreNoMatrixIsLayers) {
  const torch::nn::Sequential trunk(Linear(2, 4), torch::nn::ReLU());
  const auto model = two_tasks(trunk, 4);
  const auto batch = Batch(
      torch::rand({5, 3, 2}),
      {{"y1", torch::rand({5, 3, 1})}, {"y2", torch::rand({5, 3, 1})}});
  JointTraining joint = joint_of(model);
  joint.step(batch);
  EXPECT_EQ(joint.route().route, Route::kLayers);
  EXPECT_THAT(joint.route().reason, HasSubstr("not a matrix"));
  JointTraining forced = joint_of(model, Route::kTrunkProgram);
  EXPECT_THAT(
      error_of([&] { forced.step(batch); }),
      HasSubstr("'trunk program' cannot take this step"));
}

TEST(RouteChoice, OfAHeadThatIsNotLinearIsAutogradAndNamesTheTask) {
  MultiTaskModel model;
  model->add_task("y1", LinearTask(2, 1));
  model->add_task("y2", deep_task<torch::nn::Softsign>(2));
  JointTraining joint = joint_of(model);
  joint.step(OriginalJob(1).batch());
  EXPECT_EQ(joint.route().route, Route::kAutograd);
  EXPECT_THAT(joint.route().reason, HasSubstr("'y2' is not linear"));
}

// A loss may look at more than the output; here at the weight.
TEST(RouteChoice, OfALossOfTheUsersOwnIsAutograd) {
  MultiTaskModel model;
  LinearTask head(2, 1);
  model->add_task(
      "y1",
      Task(
          head,
          Loss([head](const at::Tensor& output, const at::Tensor& target) {
            return (output - target).square().mean() +
                head->weight.square().sum();
          })));
  EXPECT_THAT(joint_of(model).route().reason, HasSubstr("the user's own"));
}

TEST(RouteChoice, TellsOfAStepAfterARun) {
  const OriginalJob job(1);
  JointTraining joint = joint_of(job.model());
  joint.run(job.batch(), 300);
  joint.step(job.batch());
  EXPECT_THAT(
      joint.route().reason, ::testing::Not(HasSubstr("normal equations")));
}

class DoublingImpl : public torch::nn::LinearImpl {
 public:
  DoublingImpl() : LinearImpl(2, 1) {}
  torch::Tensor forward(const torch::Tensor& input) {
    return 2 * LinearImpl::forward(input);
  }
};
TORCH_MODULE(Doubling);

TEST(RouteChoice, TakesNoDerivedLayerForALinearOne) {
  MultiTaskModel model;
  model->add_task("y1", Task(Doubling(), MSELoss()));
  EXPECT_EQ(joint_of(model).route().route, Route::kAutograd);
}

TEST(RouteChoice, OfOneHeadForTwoTasksIsAutograd) {
  MultiTaskModel model;
  LinearTask head(2, 1);
  model->add_task("y1", Task(head, MSELoss()));
  model->add_task("y2", Task(head, MSELoss()));
  JointTraining joint = joint_of(model);
  EXPECT_THAT(joint.route().reason, HasSubstr("share a parameter"));
}

TEST(RouteChoice, FallsBackForAHookOnAParameterAndReturnsAfterwards) {
  const OriginalJob job(1);
  const MultiTaskModel model = job.model();
  JointTraining joint = joint_of(model);
  const auto head = model->task("y1").head().as<LinearTask>();
  int calls = 0;
  head->weight.register_hook([&](torch::Tensor gradient) {
    ++calls;
    return gradient;
  });
  joint.step(job.batch());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(joint.route().route, Route::kAutograd);
  EXPECT_THAT(joint.route().reason, HasSubstr("hook"));
}

TEST(RouteChoice, OfAForcedRouteIsThatOne) {
  const OriginalJob job(1);
  JointTraining joint = joint_of(job.model(), Route::kAutograd);
  joint.run(job.batch(), 5);
  EXPECT_EQ(joint.route().route, Route::kAutograd);
}

TEST(RouteChoice, RefusesAForcedRouteThatTheModelCannotTake) {
  const OriginalJob job(1);
  EXPECT_THAT(
      error_of([&] { joint_of(job.model(), Route::kTrunkProgram); }),
      HasSubstr("'trunk program' cannot take this model"));
  const auto model = testing::make_shared_model();
  EXPECT_THAT(
      error_of([&] { joint_of(model, Route::kLinearProgram); }),
      HasSubstr("'linear program' cannot take this model"));
}

TEST(RouteChoice, RefusesAForcedRouteThatAStepCannotTake) {
  const OriginalJob job(1);
  JointTraining joint = joint_of(job.model(), Route::kLinearProgram);
  const auto x = torch::rand({4, 3, 2});
  const auto y = torch::rand({4, 3, 1});
  EXPECT_THAT(
      error_of([&] { joint.step(Batch(x, {{"y1", y}})); }),
      HasSubstr("cannot take this step: the features are not a matrix"));
}

TEST(RouteChoice, TakesAnInputOfThreeDimensionsByAutograd) {
  const OriginalJob job(1);
  JointTraining joint = joint_of(job.model());
  joint.step(Batch(torch::rand({4, 3, 2}), {{"y1", torch::rand({4, 3, 1})}}));
  EXPECT_EQ(joint.route().route, Route::kAutograd);
}

TEST(RouteChoice, RefusesNormalEquationsForClippedGradients) {
  const OriginalJob job(1);
  JointTraining joint(
      job.model(),
      SGDOptions(0.1),
      JointTrainingOptions()
          .clipping(Clipping::by_norm(1))
          .fixed_batch(FixedBatch::kNormalEquations));
  EXPECT_THAT(
      error_of([&] { joint.run(job.batch(), 10); }), HasSubstr("clipped"));
}

// What users do to a model between steps.

TEST(ProgramStep, FollowsAModelThatIsConvertedAndLoaded) {
  const OriginalJob job(1);
  const OriginalJob in_double(1, torch::kDouble);
  MultiTaskModel model = job.model();
  JointTraining joint = joint_of(model);
  joint.step(job.batch());
  model->to(torch::kDouble);
  const auto before = snapshot(model);
  joint.step(in_double.batch());
  EXPECT_EQ(joint.route().route, Route::kLinearProgram);
  EXPECT_FALSE(testing::same_bits(before, snapshot(model)));
}

TEST(ProgramStep, LeavesAFrozenHeadAndTrainsTheOthers) {
  const OriginalJob job(1);
  MultiTaskModel model = job.model();
  model->freeze("y1");
  const auto before = snapshot(model);
  JointTraining joint = joint_of(model);
  joint.run(job.batch(), 20);
  const auto after = snapshot(model);
  EXPECT_EQ(joint.route().route, Route::kLinearProgram);
  EXPECT_TRUE(torch::equal(before[0], after[0]));
  EXPECT_TRUE(torch::equal(before[1], after[1]));
  EXPECT_FALSE(torch::equal(before[2], after[2]));
  EXPECT_FALSE(
      model->task("y1").head().as<LinearTask>()->weight.grad().defined());
}

TEST(ProgramStep, LeavesTheGradientsOfAutograd) {
  torch::nn::Sequential trunk(Linear(2, 4), torch::nn::Tanh());
  const MultiTaskModel model = two_tasks(trunk, 4);
  const MultiTaskModel twin = testing::twin_of(model);
  const Batch batch = OriginalJob(1).batch();
  joint_of(model).step(batch);
  joint_of(twin, Route::kAutograd).step(batch);
  const auto found = model->unique_parameters();
  const auto expected = twin->unique_parameters();
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(torch::allclose(found[i].grad(), expected[i].grad(), 1e-5));
  }
}

TEST(ProgramStep, LeavesGradientsThatLibTorchCanZero) {
  const OriginalJob job(1);
  JointTraining joint = joint_of(job.model());
  joint.step(job.batch());
  joint.optimizer().zero_grad(/*set_to_none=*/false);
  joint.step(job.batch());
}

TEST(ProgramStep, KeepsNoGradientOfATaskThatWasNotDrawn) {
  const OriginalJob job(1);
  const MultiTaskModel model = job.model();
  AlternatingTraining alternating(model, SGDOptions(0.1));
  alternating.step_task(job.batch(), "y1");
  alternating.step_task(job.batch(), "y2");
  EXPECT_FALSE(model->task_parameters("y1")[0].grad().defined());
  EXPECT_TRUE(model->task_parameters("y2")[0].grad().defined());
}

TEST(ProgramStep, SavesAndClonesAModelAsBefore) {
  const OriginalJob job(1);
  const MultiTaskModel model = job.model();
  JointTraining joint = joint_of(model);
  joint.run(job.batch(), 10);
  const MultiTaskModel copy = testing::twin_of(model);
  const auto before = snapshot(copy);
  joint.step(job.batch());
  EXPECT_TRUE(testing::same_bits(before, snapshot(copy)));
  for (const auto& parameter : model->parameters()) {
    EXPECT_FALSE(parameter.is_view());
    EXPECT_EQ(
        parameter.storage().nbytes(),
        static_cast<size_t>(parameter.numel()) * sizeof(float));
  }
}

} // namespace
} // namespace polytask
