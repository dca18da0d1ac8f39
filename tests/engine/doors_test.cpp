// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <functional>
#include <memory>
#include <string>

#include "tests/support/balanced.h"
#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/original_job.h"
#include "tests/support/says.h"

// Steps and routes that cannot be: refused before anything moves, and the
// reason is the right one.

namespace polytask {
namespace {

using testing::balanced_job;
using testing::error_of;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::says;
using testing::snapshot;
using torch::optim::SGDOptions;

struct WithoutGradients {
  std::string name;
  std::function<void(const MultiTaskModel&, bool inference)> step;
};

std::ostream& operator<<(std::ostream& stream, const WithoutGradients& each) {
  return stream << each.name;
}

template <typename Action>
void without_gradients(bool inference, Action&& action) {
  if (inference) {
    const c10::InferenceMode guard;
    action();
  } else {
    const at::NoGradGuard guard;
    action();
  }
}

WithoutGradients joint_case(const std::string& method, Route route) {
  const std::string name = method.empty() ? "Plain" : method;
  return {
      name + (route == Route::kAutograd ? "Autograd" : ""),
      [=](const MultiTaskModel& model, bool inference) {
        auto options = JointTrainingOptions().route(route);
        if (!method.empty()) {
          options.balancing(balancing::make(method));
        }
        JointTraining joint(model, SGDOptions(0.1), options);
        const Batch batch = make_shared_batch();
        const std::vector<Batch> several(method == "forum" ? 2 : 3, batch);
        without_gradients(inference, [&] {
          method == "modo" || method == "forum" ? joint.step(several)
                                                : joint.step(batch);
        });
      }};
}

class GradientsOff
    : public ::testing::TestWithParam<std::tuple<WithoutGradients, bool>> {};

TEST_P(GradientsOff, IsOneErrorBeforeAnythingMoves) {
  const auto& [step, inference] = GetParam();
  const MultiTaskModel model = make_shared_model();
  const auto before = snapshot(model);
  EXPECT_TRUE(says(
      error_of([&] { step.step(model, inference); }),
      {"training: gradients are switched off"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

std::vector<WithoutGradients> all_without_gradients() {
  const auto alternating = [](const auto& act) {
    return [act](const MultiTaskModel& model, bool inference) {
      AlternatingTraining training(model, SGDOptions(0.1));
      const Batch batch = make_shared_batch();
      const auto before = training.sampler().state();
      const auto check = [&] { EXPECT_EQ(training.sampler().state(), before); };
      try {
        without_gradients(inference, [&] { act(training, batch); });
      } catch (...) {
        check();
        throw;
      }
    };
  };
  return {
      joint_case("", Route::kAuto),
      joint_case("", Route::kAutograd),
      joint_case("uw", Route::kAuto),
      joint_case("pcgrad", Route::kAuto),
      joint_case("pcgrad", Route::kAutograd),
      joint_case("graddrop", Route::kAuto),
      joint_case("modo", Route::kAuto),
      joint_case("forum", Route::kAuto),
      {"Run",
       [](const MultiTaskModel& model, bool inference) {
         JointTraining joint(model, SGDOptions(0.1));
         without_gradients(
             inference, [&] { joint.run(make_shared_batch(), 5); });
       }},
      {"Alternating", alternating([](auto& training, const Batch& batch) {
         training.step(batch);
       })},
      {"AlternatingRun", alternating([](auto& training, const Batch& batch) {
         training.run(batch, 5);
       })},
      {"AlternatingTask", alternating([](auto& training, const Batch& batch) {
         training.step_task(batch, "b");
       })}};
}

INSTANTIATE_TEST_SUITE_P(
    Steps,
    GradientsOff,
    ::testing::Combine(
        ::testing::ValuesIn(all_without_gradients()), ::testing::Bool()),
    [](const auto& each) {
      return std::get<0>(each.param).name +
          (std::get<1>(each.param) ? "Inference" : "NoGrad");
    });

TEST(GradientsSwitchedOff, LeaveTheSamplerAlone) {
  const testing::OriginalJob job(1);
  AlternatingTraining training(job.model(), SGDOptions(0.1));
  const auto before = training.sampler().state();
  {
    const at::NoGradGuard guard;
    EXPECT_NE(error_of([&] { training.step(job.batch()); }), "");
    EXPECT_NE(error_of([&] { training.run(job.batch(), 1000); }), "");
  }
  EXPECT_EQ(training.sampler().state(), before);
  EXPECT_EQ(training.steps(), 0);
}

// Routes of steps with a balancing.

class BalancingsRoute : public ::testing::TestWithParam<Route> {};

TEST_P(BalancingsRoute, WithoutOneSaysThatThereIsNone) {
  EXPECT_TRUE(says(
      error_of([] {
        JointTraining(
            make_shared_model(),
            SGDOptions(0.1),
            JointTrainingOptions().route(GetParam()));
      }),
      {to_string(GetParam()), "is one of steps with a balancing"}));
}

INSTANTIATE_TEST_SUITE_P(
    Routes,
    BalancingsRoute,
    ::testing::Values(
        Route::kBatchedJacobian,
        Route::kStreamedGramian,
        Route::kLayerJacobian,
        Route::kLayerGramian,
        Route::kFeatureGradients));

TEST(MethodOfLosses, TakesOneWeightedBackwardAndSaysSo) {
  const auto job = balanced_job("mlp", torch::kFloat);
  for (const Route wanted : {Route::kAuto, Route::kLayers}) {
    JointTraining joint(
        job.model,
        SGDOptions(0.1),
        JointTrainingOptions().route(wanted).balancing(balancing::make("uw")));
    EXPECT_EQ(joint.route().route, Route::kLayers);
    joint.step(job.batch);
    EXPECT_EQ(joint.route().route, Route::kLayers);
    EXPECT_TRUE(says(joint.route().reason, {"one weighted backward"}));
  }
}

TEST(MethodOfLosses, RefusesTheRoutesOfSingleTasks) {
  const auto job = balanced_job("mlp", torch::kFloat);
  for (const Route wanted :
       {Route::kLayerJacobian,
        Route::kLayerGramian,
        Route::kBatchedJacobian,
        Route::kStreamedGramian}) {
    EXPECT_TRUE(says(
        error_of([&] {
          JointTraining(
              job.model,
              SGDOptions(0.1),
              JointTrainingOptions().route(wanted).balancing(
                  balancing::make("dwa")));
        }),
        {"'dwa' reads losses", to_string(wanted)}));
  }
}

TEST(MethodOfGradients, RefusesTheRouteOfLosses) {
  const auto job = balanced_job("mlp", torch::kFloat);
  EXPECT_TRUE(says(
      error_of([&] {
        JointTraining(
            job.model,
            SGDOptions(0.1),
            JointTrainingOptions()
                .route(Route::kLayers)
                .balancing(balancing::make("mgda")));
      }),
      {"'mgda' reads gradients of single tasks", "'layers'"}));
}

// Normal equations that were asked for and cannot be.

template <typename Optimizer>
std::string normal_equations_error(
    const MultiTaskModel& model,
    const Batch& batch,
    const Optimizer& optimizer) {
  return error_of([&] {
    JointTraining joint(
        model,
        optimizer,
        JointTrainingOptions().fixed_batch(FixedBatch::kNormalEquations));
    joint.run(batch, 10);
  });
}

TEST(ForcedNormalEquations, OfATrunkAreRefused) {
  const MultiTaskModel model = make_shared_model();
  const auto before = snapshot(model);
  EXPECT_TRUE(says(
      normal_equations_error(model, make_shared_batch(), SGDOptions(0.1)),
      {"normal equations cannot take this model"}));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

TEST(ForcedNormalEquations, OfAHeadThatIsNotLinearAreRefused) {
  MultiTaskModel model;
  model->add_task(
      "a",
      Task(
          torch::nn::Sequential(
              torch::nn::Linear(5, 4), torch::nn::Linear(4, 1)),
          MSELoss()));
  EXPECT_TRUE(says(
      normal_equations_error(
          model,
          Batch(torch::randn({4, 5}), {{"a", torch::randn({4, 1})}}),
          SGDOptions(0.1)),
      {"normal equations cannot take this model: "}));
}

TEST(ForcedNormalEquations, OfAdamAreRefused) {
  const testing::OriginalJob job(1);
  EXPECT_TRUE(says(
      normal_equations_error(
          job.model(), job.batch(), torch::optim::AdamOptions(0.1)),
      {"normal equations cannot take this run: "}));
}

TEST(ForcedNormalEquations, OfABatchThatTheProgramCannotTakeAreRefused) {
  const testing::OriginalJob job(1);
  EXPECT_TRUE(says(
      normal_equations_error(
          job.model(),
          Batch(torch::rand({4, 3, 2}), {{"y1", torch::rand({4, 3, 1})}}),
          SGDOptions(0.1)),
      {"normal equations cannot take this run: "}));
}

TEST(ForcedNormalEquations, OfRowsThatAreAskedForAreRefused) {
  const testing::OriginalJob job(1);
  AlternatingTraining training(
      job.model(),
      SGDOptions(0.1),
      AlternatingTrainingOptions().fixed_batch(FixedBatch::kNormalEquations));
  EXPECT_TRUE(says(
      error_of([&] {
        training.run([&](const std::string&) { return job.batch(); }, 10);
      }),
      {"normal equations cannot take this run", "asked for"}));
}

TEST(ForcedNormalEquations, TakeASingleStepOnResiduals) {
  const testing::OriginalJob job(1);
  JointTraining joint(
      job.model(),
      SGDOptions(0.1),
      JointTrainingOptions().fixed_batch(FixedBatch::kNormalEquations));
  EXPECT_EQ(joint.step(job.batch()).step, 1);
  EXPECT_EQ(joint.run(job.batch(), 1).step, 2);
}

} // namespace
} // namespace polytask
