// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include <polytask/balancing/make.h>
#include <polytask/training/joint_training.h>

#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/linear_task.h>

#include "tests/support/balanced.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::balanced_job;
using testing::BalancedJob;
using testing::GramianProbe;
using testing::JacobianProbe;

// Rounding of sums of a few hundred products.
double tolerance_of(torch::ScalarType type) {
  return type == torch::kDouble ? 1e-12 : 2e-5;
}

::testing::AssertionResult close_to(
    const torch::Tensor& actual,
    const torch::Tensor& expected,
    double tolerance) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure() << "has the shape " << actual.sizes();
  }
  if (actual.numel() == 0) {
    return ::testing::AssertionSuccess();
  }
  const auto scale = std::max(1.0, expected.abs().max().item<double>());
  const auto error =
      (actual.to(torch::kDouble) - expected.to(torch::kDouble)).abs().max();
  if (!(error.item<double>() <= tolerance * scale)) {
    return ::testing::AssertionFailure()
        << "differs by " << error.item<double>();
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult has_gradients(
    const BalancedJob& job,
    const std::vector<torch::Tensor>& expected,
    double tolerance) {
  const auto parameters = job.model->unique_parameters();
  for (size_t p = 0; p < parameters.size(); ++p) {
    const torch::Tensor& actual = parameters[p].grad();
    if (actual.defined() != expected[p].defined()) {
      return ::testing::AssertionFailure()
          << "parameter " << p << (actual.defined() ? " has" : " lacks")
          << " a gradient";
    }
    if (actual.defined()) {
      const auto same = close_to(actual, expected[p], tolerance);
      if (!same) {
        return ::testing::AssertionFailure()
            << "parameter " << p << " " << same.message();
      }
    }
  }
  return ::testing::AssertionSuccess();
}

torch::Tensor as_tensor(const math::Matrix& matrix) {
  return torch::tensor(
             std::vector<double>(
                 matrix.data(), matrix.data() + matrix.size() * matrix.size()),
             torch::kDouble)
      .view({matrix.size(), matrix.size()});
}

struct BalancedCase {
  std::string kind;
  Route route;
  torch::ScalarType type;
};

class BalancedRoutes : public ::testing::TestWithParam<BalancedCase> {
 protected:
  // A step that moves nothing, so that the gradients can be looked at.
  template <typename Method>
  JointTraining training(
      const BalancedJob& job, const std::shared_ptr<Method>& method) {
    return JointTraining(
        job.model,
        torch::optim::SGDOptions(0.0),
        JointTrainingOptions()
            .route(GetParam().route)
            .shared_balancing(method));
  }
};

// Which route is one for which network; those that need the Jacobian itself
// have none without it.
bool takes(const BalancedCase& given, bool reads_jacobian) {
  const auto is_one_of = [&](std::initializer_list<const char*> kinds) {
    return std::find(kinds.begin(), kinds.end(), given.kind) != kinds.end();
  };
  const bool shares_features =
      !is_one_of({"tied", "gated", "gates_only", "experts", "experts_headed"});
  switch (given.route) {
    case Route::kAuto:
    case Route::kAutograd:
      return true;
    case Route::kBatchedJacobian:
      return shares_features;
    case Route::kStreamedGramian:
      return !reads_jacobian && shares_features;
    default:
      return shares_features && !is_one_of({"odd", "unknown"}) &&
          !(reads_jacobian && given.route == Route::kLayerGramian);
  }
}

TEST_P(BalancedRoutes, GramianAndUpdateEqualOneBackwardForEachTask) {
  const auto job = balanced_job(GetParam().kind, GetParam().type);
  const auto expected = testing::expected_step(job);
  const auto probe = std::make_shared<GramianProbe>();
  std::string message;
  std::optional<JointTraining> joint;
  message = testing::error_of([&] {
    joint.emplace(training(job, probe));
    joint->step(job.batch);
  });
  if (!takes(GetParam(), /*reads_jacobian=*/false)) {
    EXPECT_TRUE(testing::says(message, {"the route '", "cannot take this"}));
    return;
  }
  ASSERT_EQ(message, "");
  if (GetParam().route != Route::kAuto) {
    EXPECT_EQ(joint->route().route, GetParam().route);
  }
  EXPECT_FALSE(joint->route().reason.empty());
  const double tolerance = tolerance_of(GetParam().type);
  const auto jacobian = expected.jacobian.to(torch::kDouble);
  EXPECT_TRUE(
      close_to(as_tensor(probe->seen), jacobian.mm(jacobian.t()), tolerance));
  EXPECT_TRUE(has_gradients(job, expected.gradients, tolerance));
  // Buffers that are kept from step to step change nothing.
  joint->step(job.batch);
  EXPECT_TRUE(has_gradients(job, expected.gradients, tolerance));
}

TEST_P(BalancedRoutes, JacobianAndUpdateEqualOneBackwardForEachTask) {
  const auto job = balanced_job(GetParam().kind, GetParam().type);
  const auto expected = testing::expected_step(job);
  const auto probe = std::make_shared<JacobianProbe>();
  std::optional<JointTraining> joint;
  const auto message = testing::error_of([&] {
    joint.emplace(training(job, probe));
    joint->step(job.batch);
  });
  if (!takes(GetParam(), /*reads_jacobian=*/true)) {
    EXPECT_TRUE(testing::says(message, {"the route '", "cannot take this"}));
    return;
  }
  ASSERT_EQ(message, "");
  const double tolerance = tolerance_of(GetParam().type);
  EXPECT_TRUE(close_to(probe->seen, expected.jacobian, tolerance));
  EXPECT_TRUE(has_gradients(job, expected.gradients, tolerance));
}

TEST_P(BalancedRoutes, WeightsOfLossesReachAllThatTheTasksUse) {
  if (GetParam().route != Route::kAuto &&
      GetParam().route != Route::kAutograd) {
    return; // no gradient of a single task is needed
  }
  const auto job = balanced_job(GetParam().kind, GetParam().type);
  const auto expected = testing::expected_step(job, /*weighs_heads=*/true);
  const std::shared_ptr<balancing::Balancing> method = balancing::make(
      "constant", {{"weights", GramianProbe::weights_of(job.model->size())}});
  auto joint = training(job, method);
  for (int64_t step = 0; step < 2; ++step) {
    joint.step(job.batch);
    EXPECT_TRUE(
        has_gradients(job, expected.gradients, tolerance_of(GetParam().type)));
  }
  std::set<const void*> memory;
  for (const auto& parameter : job.model->unique_parameters()) {
    if (parameter.grad().defined()) {
      EXPECT_TRUE(memory.insert(parameter.grad().const_data_ptr()).second)
          << "two parameters have one gradient";
    }
  }
}

std::vector<BalancedCase> all_cases() {
  std::vector<BalancedCase> cases;
  for (const auto& kind : testing::balanced_kinds()) {
    for (const Route route :
         {Route::kAuto,
          Route::kAutograd,
          Route::kBatchedJacobian,
          Route::kStreamedGramian,
          Route::kLayerJacobian,
          Route::kLayerGramian}) {
      for (const auto type : {torch::kDouble, torch::kFloat}) {
        cases.push_back({kind, route, type});
      }
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BalancedRoutes,
    ::testing::ValuesIn(all_cases()),
    [](const auto& each) {
      std::string name = each.param.kind + "_" + to_string(each.param.route) +
          (each.param.type == torch::kDouble ? "_double" : "_float");
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

TEST(BalancedRouteChoice, KnownLayersGoWithoutAGraph) {
  for (const auto* kind : {"mlp", "deep", "conv", "embedding", "headed"}) {
    const auto job = balanced_job(kind, torch::kFloat);
    JointTraining joint(
        job.model,
        torch::optim::SGDOptions(0.1),
        JointTrainingOptions().balancing(GramianProbe()));
    joint.step(job.batch);
    const auto route = joint.route().route;
    EXPECT_TRUE(route == Route::kLayerJacobian || route == Route::kLayerGramian)
        << kind << ": " << joint.route().reason;
  }
}

TEST(BalancedRouteChoice, SaysWhatTheEngineDoesNotKnow) {
  const auto job = balanced_job("unknown", torch::kFloat);
  JointTraining joint(
      job.model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().balancing(GramianProbe()));
  joint.step(job.batch);
  EXPECT_TRUE(testing::says(joint.route().reason, {"Softsign"}));
}

TEST(BalancedSteps, FeatureGradientsTakeTheirGramianFromTheFeatures) {
  const auto job = balanced_job("mlp", torch::kDouble);
  const auto probe = std::make_shared<GramianProbe>();
  JointTraining joint(
      job.model,
      torch::optim::SGDOptions(0.0),
      JointTrainingOptions()
          .route(Route::kFeatureGradients)
          .shared_balancing(probe));
  joint.step(job.batch);
  const auto expected = testing::expected_step(job);
  EXPECT_TRUE(has_gradients(job, expected.gradients, 1e-12));
  std::vector<torch::Tensor> cotangents;
  for (int64_t t = 0; t < 3; ++t) {
    const auto& part = job.batch.part(job.model->task_names()[t]);
    const auto features =
        job.model->sharing().features_of(part.input, t).detach();
    const auto leaf = features.clone().requires_grad_();
    const auto loss =
        job.model->loss(t, leaf, part.labels) * job.model->task(t).weight();
    cotangents.push_back(torch::autograd::grad({loss}, {leaf})[0].view(-1));
  }
  const auto rows = torch::stack(cotangents);
  EXPECT_TRUE(close_to(as_tensor(probe->seen), rows.mm(rows.t()), 1e-12));
}

TEST(BalancedSteps, ATaskWithoutALabelTakesNoPart) {
  const auto job = balanced_job("mlp", torch::kDouble);
  const Batch some(
      job.batch.input(),
      {{"a", job.batch.part("a").labels.target()},
       {"c", job.batch.part("c").labels.target()}});
  const auto probe = std::make_shared<GramianProbe>();
  JointTraining joint(
      job.model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().shared_balancing(probe));
  const auto report = joint.step(some);
  EXPECT_EQ(probe->seen.size(), 2);
  EXPECT_EQ(report.weights[1].item<double>(), 0);
  EXPECT_EQ(report.weights[2].item<double>(), 1.5);
  ASSERT_TRUE(report.gradients.has_value());
  EXPECT_EQ(report.gradients->gramian.sizes(), (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(report.gradients->gramian[1].abs().sum().item<double>(), 0);
}

TEST(BalancedSteps, WeightedHeadsGetTheMethodsWeights) {
  const auto job = balanced_job("mlp", torch::kDouble);
  const auto expected = testing::expected_step(job);
  JointTraining joint(
      job.model,
      torch::optim::SGDOptions(0.0),
      JointTrainingOptions()
          .head_gradients(HeadGradients::kWeighted)
          .balancing(GramianProbe()));
  joint.step(job.batch);
  const auto parameters = job.model->task_parameters("c");
  EXPECT_TRUE(close_to(
      parameters[0].grad(),
      expected.gradients[expected.gradients.size() - 2] * 2,
      1e-12));
}

// Sums of half precision, in blocks.
TEST(BalancedSteps, GramiansOfHalfPrecisionAreSummedInDouble) {
  torch::manual_seed(1);
  MultiTaskModel model{HardSharing(torch::nn::Linear(5, 2000))};
  model->add_task("a", LinearTask(2000, 1));
  model->add_task("b", LinearTask(2000, 1));
  model->to(torch::kBFloat16);
  const Batch batch(
      torch::randn({4, 5}).to(torch::kBFloat16),
      {{"a", torch::randn({4, 1}).to(torch::kBFloat16)},
       {"b", torch::randn({4, 1}).to(torch::kBFloat16)}});
  const auto gramian = std::make_shared<GramianProbe>();
  const auto rows = std::make_shared<JacobianProbe>();
  for (const std::shared_ptr<balancing::Balancing>& method :
       {std::shared_ptr<balancing::Balancing>(gramian),
        std::shared_ptr<balancing::Balancing>(rows)}) {
    JointTraining(
        model,
        torch::optim::SGDOptions(0.0),
        JointTrainingOptions().route(Route::kAutograd).shared_balancing(method))
        .step(batch);
  }
  const auto exact = rows->seen.to(torch::kDouble);
  EXPECT_GT(exact.size(1), 8192);
  EXPECT_TRUE(close_to(as_tensor(gramian->seen), exact.mm(exact.t()), 1e-6));
}

TEST(BalancedSteps, RefuseToWeighGradientsOfTasksThatShareNothing) {
  MultiTaskModel model;
  model->add_task("a", LinearTask(2, 1));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] {
        JointTraining(
            model,
            torch::optim::SGDOptions(0.1),
            JointTrainingOptions().balancing(GramianProbe()));
      }),
      {"'probe'", "share none"}));
}

} // namespace
} // namespace polytask
