// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/upgrad.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/huber.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/routes.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

// A whole weight is a number of repetitions: training on rows with weights is
// training on the rows repeated.

namespace polytask {
namespace {

using testing::make_shared_model;
using testing::relative_distance;
using testing::route_tolerance;
using testing::same_bits;
using testing::snapshot;
using testing::twin_of;
using torch::optim::SGDOptions;

constexpr int64_t kWeighedSteps = 20;

enum class Strategy { kJoint, kAlternating, kBalanced };

struct WeighedCase {
  std::string name;
  Strategy strategy;
  Route route;
  torch::ScalarType type;
};

std::ostream& operator<<(std::ostream& stream, const WeighedCase& each) {
  return stream << each.name;
}

// A model that the route can take.
MultiTaskModel model_for(Route route) {
  MultiTaskModel model;
  int64_t width = 8;
  switch (route) {
    case Route::kLinearProgram:
      width = 5;
      break;
    case Route::kTrunkProgram:
    case Route::kLayerJacobian:
    case Route::kLayerGramian:
      model = MultiTaskModel{HardSharing(torch::nn::Linear(5, 8))};
      break;
    default:
      model = MultiTaskModel{HardSharing(testing::TanhTrunk(5, 8))};
  }
  model->add_task("a", LinearTask(width, 1));
  model->add_task("b", Task(torch::nn::Linear(width, 2), HuberLoss(0.7)));
  model->add_task("c", Task(torch::nn::Linear(width, 1), BCEWithLogitsLoss(2)));
  return model;
}

std::vector<torch::Tensor> trained_by(
    const MultiTaskModel& model, const Batch& batch, const WeighedCase& by) {
  std::vector<torch::Tensor> results;
  if (by.strategy == Strategy::kAlternating) {
    AlternatingTraining training(
        model,
        SGDOptions(0.05).momentum(0.9),
        AlternatingTrainingOptions().seed(3).route(by.route));
    training.run(batch, kWeighedSteps);
  } else {
    JointTrainingOptions options;
    options.route(by.route);
    if (by.strategy == Strategy::kBalanced) {
      options.balancing(balancing::UPGrad());
    }
    JointTraining training(model, SGDOptions(0.05).momentum(0.9), options);
    for (int64_t step = 0; step < kWeighedSteps; ++step) {
      results.push_back(training.step(batch).losses);
    }
    if (by.route != Route::kAuto) {
      EXPECT_EQ(training.route().route, by.route) << training.route().reason;
    }
  }
  for (const auto& parameter : snapshot(model)) {
    results.push_back(parameter);
  }
  return results;
}

class WeightedRows : public ::testing::TestWithParam<WeighedCase> {};

TEST_P(WeightedRows, TrainAsRepeatedOnes) {
  const auto type = GetParam().type;
  MultiTaskModel model = model_for(GetParam().route);
  model->to(type);
  const auto x = torch::randn({6, 5}, type);
  const auto a = torch::randn({6, 1}, type);
  auto b = torch::randn({6, 2}, type);
  b[3][0] = std::numeric_limits<double>::quiet_NaN();
  const auto c = torch::rand({6, 1}, type);
  const Batch weighted =
      Batch(x, {{"a", a}, {"b", b}, {"c", c}})
          .with_weights(
              {{"a", torch::tensor({2, 1, 0, 3, 1, 1}).to(type)},
               {"b", torch::tensor({1, 0, 2, 2, 1, 1}).to(type)},
               {"c", torch::tensor({0, 0, 1, 2, 1, 1}).to(type)}});
  const auto rows_a = torch::tensor({0, 0, 1, 3, 3, 3, 4, 5});
  const auto rows_b = torch::tensor({0, 2, 2, 3, 3, 4, 5});
  const auto rows_c = torch::tensor({2, 3, 3, 4, 5});
  const Batch repeated = Batch::per_task(
      {{"a", x.index_select(0, rows_a), a.index_select(0, rows_a)},
       {"b", x.index_select(0, rows_b), b.index_select(0, rows_b)},
       {"c", x.index_select(0, rows_c), c.index_select(0, rows_c)}});

  MultiTaskModel twin = twin_of(model);
  const auto found = trained_by(model, weighted, GetParam());
  const auto expected = trained_by(
      twin, repeated, {"", GetParam().strategy, Route::kAutograd, type});
  EXPECT_LT(relative_distance(found, expected), route_tolerance(type));
}

std::vector<WeighedCase> weighed_cases() {
  std::vector<WeighedCase> cases;
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    const auto add = [&](std::string name, Strategy strategy, Route route) {
      name += type == torch::kFloat ? "Float" : "Double";
      cases.push_back({std::move(name), strategy, route, type});
    };
    add("JointAutograd", Strategy::kJoint, Route::kAutograd);
    add("JointLinearProgram", Strategy::kJoint, Route::kLinearProgram);
    add("JointTrunkProgram", Strategy::kJoint, Route::kTrunkProgram);
    add("JointStackedHeads", Strategy::kJoint, Route::kStackedHeads);
    add("Alternating", Strategy::kAlternating, Route::kAuto);
    add("AlternatingAutograd", Strategy::kAlternating, Route::kAutograd);
    add("AlternatingLinear", Strategy::kAlternating, Route::kLinearProgram);
    add("BalancedAutograd", Strategy::kBalanced, Route::kAutograd);
    add("BalancedBatched", Strategy::kBalanced, Route::kBatchedJacobian);
    add("BalancedStreamed", Strategy::kBalanced, Route::kStreamedGramian);
    add("BalancedLayers", Strategy::kBalanced, Route::kLayerJacobian);
    add("BalancedLayerGramian", Strategy::kBalanced, Route::kLayerGramian);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    WeightedRows,
    ::testing::ValuesIn(weighed_cases()),
    [](const auto& each) { return each.param.name; });

// The sum of products is what normal equations know; weights are not in it.
TEST(WeightedRow, RunsOnResidualsAndSaySo) {
  MultiTaskModel model;
  model->add_task("y", LinearTask(2, 1));
  const Batch batch = Batch(torch::randn({6, 2}), {{"y", torch::randn({6, 1})}})
                          .with_weights({{"y", torch::rand({6}) + 0.5}});
  JointTraining joint(model, SGDOptions(0.1));
  joint.run(batch, 500);
  EXPECT_TRUE(
      testing::says(joint.route().reason, {"on residuals: rows have weights"}));
}

class WeightlessTask : public testing::EachDevice {};

TEST_P(WeightlessTask, TakesNoPart) {
  for (const auto strategy :
       {Strategy::kJoint, Strategy::kAlternating, Strategy::kBalanced}) {
    MultiTaskModel model = make_shared_model();
    model->to(device());
    MultiTaskModel twin = twin_of(model);
    const auto x = torch::randn({16, 5}).to(device());
    const auto a = torch::randn({16, 1}).to(device());
    const auto b = torch::randn({16, 2}).to(device());
    const auto c = torch::randn({16, 1}).to(device());
    const auto holes =
        torch::full_like(a, std::numeric_limits<double>::quiet_NaN());
    const Batch weightless =
        Batch(x, {{"a", a}, {"b", b}, {"c", c}})
            .with_weights({{"a", torch::zeros({16}).to(device())}});
    const Batch without(x, {{"a", holes}, {"b", b}, {"c", c}});
    const WeighedCase by{"", strategy, Route::kAuto, torch::kFloat};
    const auto found = trained_by(model, weightless, by);
    EXPECT_TRUE(same_bits(found, trained_by(twin, without, by)));
  }
}

POLYTASK_ON_EACH_DEVICE(WeightlessTask);

// Everything that could have moved before the error.
class RefusedLabels : public ::testing::TestWithParam<bool> {
 protected:
  void expect_refused(
      Loss loss, const Batch& batch, std::initializer_list<std::string> words) {
    torch::nn::Sequential trunk(
        torch::nn::Linear(3, 4), torch::nn::BatchNorm1d(4));
    MultiTaskModel model{HardSharing(trunk)};
    model->add_task("plain", LinearTask(4, 1));
    model->add_task("odd", Task(torch::nn::Linear(4, 1), std::move(loss)));
    JointTrainingOptions options;
    if (GetParam()) {
      options.balancing(balancing::UPGrad());
    }
    JointTraining joint(model, SGDOptions(0.1), options);
    std::vector<torch::Tensor> buffers;
    for (const auto& buffer : model->buffers()) {
      buffers.push_back(buffer.clone());
    }
    const auto before = snapshot(model);
    EXPECT_TRUE(
        testing::says(testing::error_of([&] { joint.step(batch); }), words));
    EXPECT_TRUE(same_bits(buffers, model->buffers()));
    EXPECT_TRUE(same_bits(before, snapshot(model)));
    AlternatingTraining alternating(model, SGDOptions(0.1));
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { alternating.run(batch, 20); }), words));
  }

  const torch::Tensor x = torch::randn({6, 3});
  const torch::Tensor y = torch::rand({6, 1});
};

TEST_P(RefusedLabels, OfAFunctionThatKnowsNoWeightsChangeNothing) {
  const Loss loss([](const torch::Tensor& output, const torch::Tensor& target) {
    return (output - target).square().mean();
  });
  expect_refused(
      loss,
      Batch(x, {{"plain", y}, {"odd", y}})
          .with_weights({{"odd", torch::ones({6})}}),
      {"Task 'odd': rows have weights, of which polytask::CallableLoss"});
}

TEST_P(RefusedLabels, ThatAreNoSharesChangeNothing) {
  expect_refused(
      BCEWithLogitsLoss(),
      Batch(x, {{"plain", y}, {"odd", y + 1.5}}),
      {"Task 'odd': BCEWithLogitsLoss: expected labels from 0 to 1"});
}

INSTANTIATE_TEST_SUITE_P(
    Both, RefusedLabels, ::testing::Bool(), [](const auto& each) {
      return each.param ? "Balanced" : "Plain";
    });

// A loss of whole rows, each with a hole, is absent: not 0 beside the others.
TEST(PartlyLabelledRows, LeaveATaskWithAFunctionOut) {
  MultiTaskModel with_function{HardSharing(torch::nn::Linear(5, 8))};
  with_function->add_task("a", LinearTask(8, 1));
  with_function->add_task(
      "b",
      Task(
          torch::nn::Linear(8, 2),
          Loss([](const torch::Tensor& output, const torch::Tensor& target) {
            return (output - target).abs().mean();
          })));
  auto b = torch::randn({4, 2});
  b.select(1, 0).fill_(std::numeric_limits<double>::quiet_NaN());
  const Batch batch(
      torch::randn({4, 5}), {{"a", torch::randn({4, 1})}, {"b", b}});
  for (const bool balanced : {false, true}) {
    JointTrainingOptions options;
    if (balanced) {
      options.balancing(balancing::UPGrad());
    }
    JointTraining joint(
        with_function, SGDOptions(0.1).weight_decay(0.1), options);
    std::vector<torch::Tensor> own;
    for (const auto& parameter : with_function->task_parameters("b")) {
      own.push_back(parameter.detach().clone());
    }
    const auto report = joint.step(batch);
    EXPECT_EQ(report.weights[1].item<double>(), 0);
    EXPECT_EQ(report.losses[1].item<double>(), 0);
    EXPECT_TRUE(same_bits(own, with_function->task_parameters("b")));
  }
}

} // namespace
} // namespace polytask
