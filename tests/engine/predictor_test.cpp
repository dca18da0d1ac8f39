// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/engine/predictor.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include "tests/support/errors.h"
#include "tests/support/expert_models.h"
#include "tests/support/routes.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TEST(Predictor, GivesWhatForwardGivesOnEveryKindOfModel) {
  for (const auto& job : testing::route_jobs()) {
    auto model = job.model();
    model->to(torch::kDouble);
    model->eval();
    Predictor predictor(model);
    const auto batch = job.batch(torch::kDouble);
    if (!batch.shares_input()) {
      continue;
    }
    const torch::NoGradGuard no_grad;
    const auto expected = model->forward(batch.inputs());
    const auto& outputs = predictor.predict(batch.inputs());
    ASSERT_EQ(outputs.size(), expected.size()) << job.name;
    for (size_t t = 0; t < outputs.size(); ++t) {
      EXPECT_TRUE(outputs[t].allclose(expected[t].value(), 1e-12, 1e-12))
          << job.name << ": " << predictor.route().reason;
    }
    const auto& last = model->task_names().back();
    EXPECT_TRUE(predictor.predict(batch.inputs(), last)
                    .allclose(expected[last], 1e-12, 1e-12))
        << job.name;
  }
}

TEST(Predictor, TakesExpertsWithoutAGraph) {
  for (const auto& kind : testing::mixture_kinds()) {
    auto model = testing::expert_model(kind);
    model->to(torch::kDouble);
    Predictor predictor(model);
    const auto input =
        testing::expert_batch(testing::RowsOf::kAll, torch::kDouble, 2).input();
    const torch::NoGradGuard no_grad;
    const auto expected = model->forward(input);
    for (int i = 0; i < 2; ++i) {
      const auto& outputs = predictor.predict(input);
      for (size_t t = 0; t < outputs.size(); ++t) {
        EXPECT_TRUE(outputs[t].allclose(expected[t].value(), 1e-12, 1e-12))
            << kind;
      }
    }
  }
  auto model = testing::expert_model("mmoe");
  Predictor predictor(model);
  predictor.predict(torch::randn({1, 6}));
  EXPECT_EQ(predictor.route().route, Route::kTrunkProgram);
}

TEST(Predictor, FollowsAModelThatIsTrainedAndChanged) {
  auto model = testing::expert_model("cgc");
  Predictor predictor(model);
  const auto batch =
      testing::expert_batch(testing::RowsOf::kAll, torch::kFloat, 2);
  const auto expect_current = [&] {
    const torch::NoGradGuard no_grad;
    const auto& outputs = predictor.predict(batch.input());
    const auto expected = model->forward(batch.input());
    ASSERT_EQ(outputs.size(), expected.size());
    for (size_t t = 0; t < outputs.size(); ++t) {
      EXPECT_TRUE(outputs[t].allclose(expected[t].value(), 1e-5, 1e-6));
    }
  };
  expect_current();
  {
    JointTraining joint(model, torch::optim::SGDOptions(0.1));
    joint.step(batch);
  }
  expect_current();
  model->replace_head("a", torch::nn::Linear(8, 3));
  expect_current();
  model->add_task("late", Task(torch::nn::Linear(8, 1), MSELoss()));
  expect_current();
  const torch::nn::Linear trunk(6, 8);
  model->replace_sharing(trunk);
  expect_current();
}

TEST(Predictor, NamesWhatItCannotTake) {
  EXPECT_THAT(
      error_of([] { Predictor{MultiTaskModel()}; }), HasSubstr("without"));
  auto model = testing::expert_model("mmoe");
  Predictor predictor(model);
  EXPECT_THAT(
      error_of([&] { predictor.predict(torch::randn({2, 5})); }),
      HasSubstr("5"));
  EXPECT_THAT(
      error_of([&] { predictor.predict(torch::randn({2, 6}), "nobody"); }),
      HasSubstr("there is no task 'nobody'"));
  model->replace_head("a", torch::nn::Linear(7, 1));
  EXPECT_THAT(
      error_of([&] { predictor.predict(torch::randn({2, 6})); }),
      HasSubstr("Task 'a': the head cannot take features of shape [2, 8]"));
}

} // namespace
} // namespace polytask
