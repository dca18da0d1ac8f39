// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <polytask/balancing/make.h>
#include <polytask/core/batch.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>

#include "tests/support/jacobians.h"

// Whole steps on rows that are stationary to their rounding, by every route.

namespace polytask {
namespace {

using testing::RowsAre;

// Task k's gradient for the trunk's weight [N, 1] is row k: the input is 1, the
// features are 0, the head's weight is the row, and the loss has slope 1.
MultiTaskModel model_with_gradients(const torch::Tensor& jacobian) {
  torch::NoGradGuard no_grad;
  const int64_t columns = jacobian.size(1);
  torch::nn::Linear layer(torch::nn::LinearOptions(1, columns).bias(false));
  layer->weight.zero_();
  MultiTaskModel model{HardSharing(torch::nn::Sequential(layer))};
  for (int64_t k = 0; k < jacobian.size(0); ++k) {
    torch::nn::Linear head(torch::nn::LinearOptions(columns, 1));
    head->weight.copy_(jacobian[k].unsqueeze(0));
    head->bias.zero_();
    model->add_task("task" + std::to_string(k), Task(head, MSELoss()));
  }
  model->to(jacobian.scalar_type());
  return model;
}

torch::Tensor step_on(
    const torch::Tensor& jacobian, const std::string& name, Route route) {
  auto model = model_with_gradients(jacobian);
  std::vector<std::pair<std::string, torch::Tensor>> labels;
  for (const auto& task : model->task_names()) {
    labels.emplace_back(task, torch::full({1, 1}, -0.5, jacobian.options()));
  }
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.0),
      JointTrainingOptions().route(route).balancing(balancing::make(name)));
  joint.step(Batch(torch::ones({1, 1}, jacobian.options()), labels));
  return model->shared_parameters()[0].grad().flatten().to(torch::kDouble);
}

struct SteppedCase {
  const char* method;
  Route route;
  bool is_harmless;
  // Its update's own length, else the gradients'.
  bool has_own_length = false;
};

const SteppedCase kStepped[] = {
    {"upgrad", Route::kLayerJacobian, true},
    {"upgrad", Route::kLayerGramian, true},
    {"upgrad", Route::kStreamedGramian, true},
    {"upgrad", Route::kBatchedJacobian, true},
    {"upgrad", Route::kAutograd, true},
    {"upgrad", Route::kFeatureGradients, true},
    {"dualproj", Route::kLayerGramian, true},
    {"dualproj", Route::kStreamedGramian, true},
    {"mgda", Route::kLayerGramian, true},
    {"mgda", Route::kAutograd, true},
    {"cagrad", Route::kLayerGramian, false},
    {"cagrad", Route::kBatchedJacobian, false},
    {"nash_mtl", Route::kLayerGramian, true, true},
    {"nash_mtl", Route::kStreamedGramian, true, true},
    {"fairgrad", Route::kLayerJacobian, true, true},
    {"imtl_g", Route::kLayerGramian, false},
    {"aligned_mtl", Route::kLayerGramian, false},
    {"config", Route::kLayerJacobian, false},
    {"config", Route::kAutograd, false}};

class StationarySteps : public ::testing::TestWithParam<SteppedCase> {};

TEST_P(StationarySteps, DoNotDependOnTheOrderOfTasksOrHarmThem) {
  const auto& given = GetParam();
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const double scale = seed % 3 == 0 ? 1e-10 : seed % 3 == 1 ? 1 : 1e12;
    const auto jacobian = testing::sample_jacobian(
        seed % 2 == 0 ? RowsAre::kWeaklyStationary
                      : RowsAre::kStronglyStationary,
        {6, 5, 4},
        torch::kFloat,
        scale,
        seed);
    const auto order = testing::sample_order(6, seed);
    const auto update = step_on(jacobian, given.method, given.route);
    const auto again =
        step_on(jacobian.index_select(0, order), given.method, given.route);
    const auto rows = jacobian.to(torch::kDouble);
    const double unit = given.has_own_length ? 1 : rows.norm().item<double>();
    ASSERT_TRUE(torch::isfinite(update).all().item<bool>());
    EXPECT_LE(update.norm().item<double>() / unit, 3);
    // Float sums of the products differ by the order.
    const double loss = given.has_own_length ? 2e-2 : 2e-3;
    EXPECT_LE((again - update).norm().item<double>() / unit, loss);
    if (given.is_harmless) {
      const auto units = rows / rows.norm(2, 1, true);
      EXPECT_GE(torch::mv(units, update).min().item<double>() / unit, -5e-3);
    }
  }
}

std::string stepped_name(const ::testing::TestParamInfo<SteppedCase>& info) {
  return std::string(info.param.method) + "_" +
      std::to_string(static_cast<int>(info.param.route)) + "_" +
      std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(
    Methods, StationarySteps, ::testing::ValuesIn(kStepped), stepped_name);

// A gradient of 1e-27 or 1e20 beside one of order 1: the squares of floats
// under- and overflow.
TEST(ExtremeGradients, AreWeighedAsInDouble) {
  const auto rows = torch::tensor({{1.0, 2.0, 0.0}, {-2.0, 0.5, 1.0}});
  for (const double extreme : {1e-27, 1e20}) {
    const auto jacobian =
        rows * torch::tensor({1.0, extreme}).unsqueeze(1).to(torch::kFloat);
    for (const Route route :
         {Route::kLayerJacobian,
          Route::kLayerGramian,
          Route::kStreamedGramian,
          Route::kAutograd}) {
      for (const char* name : {"upgrad", "mgda", "pcgrad", "nash_mtl"}) {
        const auto update = step_on(jacobian, name, route);
        const auto expected =
            step_on(jacobian.to(torch::kDouble), name, Route::kAutograd);
        EXPECT_TRUE(torch::isfinite(update).all().item<bool>()) << name;
        EXPECT_LE(
            (update - expected).norm().item<double>(),
            1e-4 * expected.norm().item<double>())
            << name << " " << extreme << " " << route;
      }
    }
  }
}

// Sure that nothing is a cat, and right.
TEST(ExtremeGradients, OfASureClassifierLeaveParametersFinite) {
  torch::manual_seed(0);
  MultiTaskModel model{HardSharing(
      torch::nn::Sequential(torch::nn::Linear(4, 8), torch::nn::Tanh()))};
  model->add_task("size", Task(torch::nn::Linear(8, 1), MSELoss()));
  torch::nn::Linear head(8, 1);
  {
    torch::NoGradGuard no_grad;
    head->bias.fill_(-60);
  }
  model->add_task("is_cat", Task(head, BCEWithLogitsLoss()));
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.01),
      JointTrainingOptions().balancing(balancing::make("pcgrad")));
  const auto report = joint.step(Batch(
      torch::randn({16, 4}),
      {{"size", torch::randn({16, 1})}, {"is_cat", torch::zeros({16, 1})}}));
  EXPECT_GT(report.gradients->gramian[1][1].item<double>(), 0);
  for (const auto& parameter : model->shared_parameters()) {
    EXPECT_TRUE(torch::isfinite(parameter).all().item<bool>());
    EXPECT_TRUE(torch::isfinite(parameter.grad()).all().item<bool>());
  }
}

} // namespace
} // namespace polytask
