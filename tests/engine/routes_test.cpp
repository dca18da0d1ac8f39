// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/route.h>

#include <gmock/gmock.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <tuple>

#include "tests/support/networks.h"
#include "tests/support/routes.h"
#include "tests/support/sanitized.h"
#include "tests/support/twin.h"

// Every route gives what autograd gives: the same losses and parameters.

namespace polytask {
namespace {

using testing::relative_distance;
using testing::route_tolerance;
using testing::RouteJob;
using testing::snapshot;
using torch::optim::SGDOptions;

struct OptimizerCase {
  const char* name;
  std::shared_ptr<torch::optim::OptimizerOptions> options;

  std::unique_ptr<torch::optim::OptimizerOptions> at(double pace) const {
    auto paced = options->clone();
    paced->set_lr(options->get_lr() * pace);
    return paced;
  }
};

std::vector<OptimizerCase> optimizer_cases() {
  const auto sgd = [] { return SGDOptions(0.02); };
  return {
      {"SGD", std::make_shared<SGDOptions>(sgd())},
      {"Momentum",
       std::make_shared<SGDOptions>(sgd().momentum(0.8).dampening(0.1))},
      {"Nesterov",
       std::make_shared<SGDOptions>(sgd().momentum(0.8).nesterov(true))},
      {"WeightDecay",
       std::make_shared<SGDOptions>(sgd().momentum(0.5).weight_decay(0.05))},
      {"Decay", std::make_shared<SGDOptions>(sgd().weight_decay(0.05))},
      {"Adam",
       std::make_shared<torch::optim::AdamOptions>(
           torch::optim::AdamOptions(1e-3))}};
}

enum class Way { kJointSteps, kJointRun, kAlternatingSteps, kAlternatingRun };

struct Trained {
  std::vector<torch::Tensor> parameters;
  std::vector<torch::Tensor> losses;
  RouteChoice choice;
};

// A sanitizer sees in a few what it sees in many. Steps one by one do the same
// each time; a run may take many at once, and is to hold for long.
const int64_t kRunSteps = testing::is_address_sanitized() ? 30 : 300;
const int64_t kSingleSteps = testing::is_address_sanitized() ? 30 : 101;

template <typename Training>
void take(Training& training, const Batch& batch, bool run, Trained& trained) {
  if (run) {
    // The first loss too, which a loss near 0 is to be compared with.
    trained.losses.push_back(training.run(batch, 1).losses);
    trained.losses.push_back(training.run(batch, kRunSteps - 1).losses);
  } else {
    for (int64_t i = 0; i < kSingleSteps; ++i) {
      const auto report = training.step(batch);
      if (i % 50 == 0) {
        trained.losses.push_back(report.losses);
      }
    }
  }
  trained.choice = training.route();
}

Trained train(
    MultiTaskModel model,
    const Batch& batch,
    const torch::optim::OptimizerOptions& optimizer,
    Way way,
    Route route,
    FixedBatch fixed) {
  torch::manual_seed(6); // what dropout draws
  Trained trained;
  const bool run = way == Way::kJointRun || way == Way::kAlternatingRun;
  if (way == Way::kJointSteps || way == Way::kJointRun) {
    JointTraining joint(
        model,
        optimizer,
        JointTrainingOptions().route(route).fixed_batch(fixed));
    take(joint, batch, run, trained);
  } else {
    AlternatingTraining alternating(
        model,
        optimizer,
        AlternatingTrainingOptions().seed(5).route(route).fixed_batch(fixed));
    take(alternating, batch, run, trained);
  }
  trained.parameters = snapshot(model);
  return trained;
}

using RouteCase = std::tuple<RouteJob, OptimizerCase, Way, torch::Dtype>;

class EveryRoute : public ::testing::TestWithParam<RouteCase> {};

TEST_P(EveryRoute, EqualsAutograd) {
  const auto& [job, optimizer, way, dtype] = GetParam();
  MultiTaskModel model = job.model();
  model->to(dtype);
  const Batch batch = job.batch(dtype);
  const auto trained = [&](Route route, FixedBatch fixed) {
    return train(
        testing::twin_of(model),
        batch,
        *optimizer.at(job.pace),
        way,
        route,
        fixed);
  };
  const auto expected = trained(Route::kAutograd, FixedBatch::kAuto);
  EXPECT_EQ(expected.choice.route, Route::kAutograd);
  const auto expect_equal = [&](const Trained& found, Route route) {
    EXPECT_EQ(found.choice.route, route) << found.choice.reason;
    EXPECT_LT(
        relative_distance(found.parameters, expected.parameters),
        route_tolerance(dtype))
        << found.choice.reason;
    EXPECT_LT(
        relative_distance(found.losses, expected.losses),
        route_tolerance(dtype))
        << found.choice.reason;
  };
  expect_equal(trained(Route::kAuto, FixedBatch::kAuto), job.route);
  if (job.route == Route::kLinearProgram) {
    expect_equal(trained(Route::kAuto, FixedBatch::kResidual), job.route);
  }
  if (job.route == Route::kTrunkProgram &&
      !model->shared_parameters().empty()) {
    expect_equal(
        trained(Route::kStackedHeads, FixedBatch::kAuto), Route::kStackedHeads);
  }
}

const char* way_name(Way way) {
  switch (way) {
    case Way::kJointSteps:
      return "JointSteps";
    case Way::kJointRun:
      return "JointRun";
    case Way::kAlternatingSteps:
      return "AlternatingSteps";
    default:
      return "AlternatingRun";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Jobs,
    EveryRoute,
    ::testing::Combine(
        ::testing::ValuesIn(testing::route_jobs()),
        ::testing::ValuesIn(optimizer_cases()),
        ::testing::Values(
            Way::kJointSteps,
            Way::kJointRun,
            Way::kAlternatingSteps,
            Way::kAlternatingRun),
        ::testing::Values(torch::kFloat, torch::kDouble)),
    [](const auto& each) {
      return std::get<0>(each.param).name + std::get<1>(each.param).name +
          way_name(std::get<2>(each.param)) +
          (std::get<3>(each.param) == torch::kFloat ? "Float" : "Double");
    });

} // namespace
} // namespace polytask
