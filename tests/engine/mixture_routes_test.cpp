// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/expert_models.h"
#include "tests/support/routes.h"

// Every way to mix features, by the routes that the engine chooses and by
// autograd.

namespace polytask {
namespace {

using testing::RowsOf;

constexpr int64_t kSteps = 6;

struct MixtureRun {
  MultiTaskModel model{nullptr};
  RouteChoice route;
  std::vector<torch::Tensor> values; // losses, gradients and parameters
};

MixtureRun run_of(
    const std::string& kind,
    const std::string& method, // "" for the sum, "alternating"
    RowsOf rows,
    torch::Dtype dtype,
    Route route) {
  torch::manual_seed(3);
  MixtureRun run;
  run.model = testing::expert_model(kind);
  run.model->to(dtype);
  const torch::optim::AdamOptions adam(0.01);
  std::unique_ptr<Training> training;
  if (method == "alternating") {
    training = std::make_unique<AlternatingTraining>(
        run.model, adam, AlternatingTrainingOptions().seed(5).route(route));
  } else {
    JointTrainingOptions options;
    options.route(route);
    if (!method.empty()) {
      options.balancing(balancing::make(method));
    }
    training = std::make_unique<JointTraining>(run.model, adam, options);
  }
  for (int64_t step = 0; step < kSteps; ++step) {
    const auto report =
        training->step(testing::expert_batch(rows, dtype, 100 + step));
    run.values.push_back(report.losses);
    run.route = training->route();
    if (report.sharing_loss.defined()) {
      run.values.push_back(report.sharing_loss);
    }
    for (const auto& parameter : run.model->parameters()) {
      run.values.push_back(
          parameter.grad().defined() ? parameter.grad().clone()
                                     : torch::full({1}, 7, dtype));
    }
  }
  for (const auto& parameter : run.model->parameters()) {
    run.values.push_back(parameter.detach().clone());
  }
  return run;
}

class MixtureRoutes : public ::testing::TestWithParam<std::string> {};

TEST_P(MixtureRoutes, EqualAutograd) {
  for (const std::string method :
       {"", "alternating", "uw", "pcgrad", "upgrad"}) {
    for (const RowsOf rows : testing::all_rows_of()) {
      if (method == "alternating" && rows == RowsOf::kSome) {
        continue; // a task that the batch lacks is refused
      }
      for (const auto dtype : {torch::kFloat, torch::kDouble}) {
        const auto one = run_of(GetParam(), method, rows, dtype, Route::kAuto);
        const auto other =
            run_of(GetParam(), method, rows, dtype, Route::kAutograd);
        const double apart =
            testing::largest_distance(one.values, other.values);
        EXPECT_LE(apart, testing::route_tolerance(dtype))
            << GetParam() << ", '" << method << "', " << to_string(rows)
            << ", by " << one.route.route << ": " << one.route.reason;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    MixtureRoutes,
    ::testing::ValuesIn(testing::mixture_kinds()),
    [](const auto& kind) { return kind.param; });

// Experts that draw: others than are needed would draw first.
TEST(MixtureRoutes, LeaveOutExpertsOfTasksThatTakeNoPart) {
  std::vector<std::vector<torch::Tensor>> values(2);
  for (size_t i = 0; i < 2; ++i) {
    torch::manual_seed(6);
    CGC sharing(ExpertLevelOptions(6, [] {
      return torch::nn::Sequential(
          torch::nn::Linear(6, 8),
          torch::nn::BatchNorm1d(8),
          torch::nn::Dropout(0.5));
    }));
    MultiTaskModel model{sharing};
    for (const char* task : {"a", "b c", "class"}) {
      model->add_task(
          task, Task(torch::nn::Linear(8, task[0] == 'b' ? 2 : 1), MSELoss()));
    }
    // In training mode, autograd takes the step on both routes.
    for (const auto& module : model->modules()) {
      if (module->as<torch::nn::BatchNorm1d>()) {
        module->eval();
      }
    }
    JointTraining joint(
        model,
        torch::optim::AdamOptions(0.01),
        JointTrainingOptions().route(i == 0 ? Route::kAuto : Route::kAutograd));
    torch::manual_seed(7);
    const auto batch = testing::expert_batch(RowsOf::kSome, torch::kFloat, 8);
    torch::manual_seed(9);
    const auto report = joint.step(batch);
    values[i] = {report.losses};
    for (const auto& parameter : model->parameters()) {
      values[i].push_back(parameter.detach().clone());
    }
    const auto first =
        model->named_parameters()["sharing.levels.0.task_experts.a.0.0.weight"];
    EXPECT_FALSE(first.grad().defined());
  }
  for (size_t i = 0; i < values[0].size(); ++i) {
    EXPECT_TRUE(values[0][i].allclose(values[1][i], 1e-5, 1e-6)) << i;
  }
}

class KnownMixtureRoutes : public ::testing::TestWithParam<std::string> {};

TEST_P(KnownMixtureRoutes, TakeNoGraph) {
  const auto route_of = [](const std::string& method, RowsOf rows) {
    return run_of(GetParam(), method, rows, torch::kFloat, Route::kAuto).route;
  };
  EXPECT_EQ(route_of("", RowsOf::kAll).route, Route::kTrunkProgram);
  EXPECT_EQ(route_of("alternating", RowsOf::kAll).route, Route::kTrunkProgram);
  EXPECT_EQ(route_of("", RowsOf::kEach).route, Route::kStackedHeads);
  const bool has_own = GetParam().find("_own_") != std::string::npos;
  EXPECT_EQ(
      route_of("pcgrad", RowsOf::kAll).route,
      has_own ? Route::kAutograd : Route::kLayerJacobian);
  EXPECT_EQ(
      route_of("uw", RowsOf::kAll).route,
      has_own ? Route::kAutograd : Route::kLayers);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    KnownMixtureRoutes,
    ::testing::ValuesIn(testing::known_mixture_kinds()),
    [](const auto& kind) { return kind.param; });

} // namespace
} // namespace polytask
