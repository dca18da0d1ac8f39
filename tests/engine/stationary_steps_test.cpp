// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <polytask/balancing/make.h>
#include <polytask/core/batch.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>

#include "tests/support/jacobians.h"

// Whole steps on rows that are stationary to their rounding, by every route.
// With POLYTASK_STABILITY_TABLE set, thirty times as many, and a table.

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
    head->to(
        jacobian.scalar_type()); // before it takes the row, to the last bit
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
  auto method = balancing::make(name);
  const auto batches = static_cast<size_t>(method->batches());
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.0),
      JointTrainingOptions().route(route).balancing(std::move(method)));
  const Batch batch(torch::ones({1, 1}, jacobian.options()), labels);
  joint.step(std::vector<Batch>(batches, batch));
  return model->shared_parameters()[0].grad().flatten().to(torch::kDouble);
}

struct SteppedMethod {
  const char* name;
  bool is_harmless;
  /// Its update's own length, else the gradients'.
  bool has_own_length = false;
  /// It draws which task comes first.
  bool draws_order = false;
  bool needs_rows = false;
};

const SteppedMethod kMethods[] = {
    {"upgrad", true},
    {"dualproj", true},
    {"mgda", true},
    {"cagrad", false},
    {"nash_mtl", true, true},
    {"fairgrad", true, true},
    {"imtl_g", false},
    {"aligned_mtl", false},
    {"config", false, false, false, true},
    {"pcgrad", false, false, true},
    {"gradvac", false, false, true},
    {"sdmgrad", false, false, false, true}};

const Route kBalancedRoutes[] = {
    Route::kAutograd,
    Route::kBatchedJacobian,
    Route::kStreamedGramian,
    Route::kLayerJacobian,
    Route::kLayerGramian,
    Route::kFeatureGradients};

struct SteppedCase {
  SteppedMethod method;
  Route route;
  torch::Dtype dtype;
};

std::vector<SteppedCase> stepped_cases() {
  std::vector<SteppedCase> cases;
  for (const auto& method : kMethods) {
    for (const Route route : kBalancedRoutes) {
      const bool is_gramian = route == Route::kStreamedGramian ||
          route == Route::kLayerGramian || route == Route::kFeatureGradients;
      if (method.needs_rows && is_gramian) {
        continue;
      }
      for (const auto dtype :
           {torch::kFloat, torch::kDouble, torch::kBFloat16}) {
        cases.push_back({method, route, dtype});
      }
    }
  }
  return cases;
}

/// The same for all seeds of a case.
struct WorstStep {
  double order = 0;
  double harm = 0;
  double length = 0;

  void add(
      const torch::Tensor& rows,
      const torch::Tensor& update,
      const torch::Tensor& again,
      double unit) {
    const auto units = rows / rows.norm(2, 1, true);
    const double against = -torch::mv(units, update).min().item<double>();
    order = std::max(order, (again - update).norm().item<double>() / unit);
    harm = std::max(harm, against / unit);
    length = std::max(length, update.norm().item<double>() / unit);
  }
};

bool wants_table() {
  return std::getenv("POLYTASK_STABILITY_TABLE") != nullptr;
}

class StationarySteps : public ::testing::TestWithParam<SteppedCase> {};

TEST_P(StationarySteps, DoNotDependOnTheOrderOfTasksOrHarmThem) {
  const auto& [method, route, dtype] = GetParam();
  WorstStep worst;
  const uint64_t seeds = wants_table() ? 180 : 6;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const double scale = seed % 3 == 0 ? 1e-10 : seed % 3 == 1 ? 1 : 1e12;
    const auto jacobian = testing::sample_jacobian(
        seed % 2 == 0 ? RowsAre::kWeaklyStationary
                      : RowsAre::kStronglyStationary,
        {6, 5, 4},
        dtype,
        scale,
        seed);
    const auto order = testing::sample_order(6, seed);
    const auto update = step_on(jacobian, method.name, route);
    const auto again =
        step_on(jacobian.index_select(0, order), method.name, route);
    const auto rows = jacobian.to(torch::kDouble);
    ASSERT_TRUE(torch::isfinite(update).all().item<bool>());
    worst.add(
        rows,
        update,
        again,
        method.has_own_length ? 1 : rows.norm().item<double>());
  }
  if (wants_table()) {
    std::cout << "| " << method.name << " | " << route << " | "
              << c10::toString(dtype) << " | " << seeds << " | "
              << (method.draws_order ? "drawn" : c10::str(worst.order)) << " | "
              << (method.is_harmless ? c10::str(worst.harm) : "-") << " | "
              << worst.length << " |" << std::endl;
  }
  // What sums of the products lose; roots of it for updates of one length.
  const bool is_half = dtype == torch::kBFloat16;
  const double loss =
      (is_half ? 3e-2 : 2e-3) * (method.has_own_length ? 10 : 1);
  EXPECT_LE(worst.length, 3);
  if (!method.draws_order) {
    EXPECT_LE(worst.order, loss);
  }
  if (method.is_harmless) {
    EXPECT_LE(worst.harm, is_half ? 3e-2 : 5e-3);
  }
}

std::string stepped_name(const ::testing::TestParamInfo<SteppedCase>& info) {
  return std::string(info.param.method.name) + "_" +
      std::to_string(static_cast<int>(info.param.route)) + "_" +
      c10::toString(info.param.dtype);
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    StationarySteps,
    ::testing::ValuesIn(stepped_cases()),
    stepped_name);

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
