// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/training/joint_training.h>

#include <cmath>
#include <limits>

#include "tests/support/twin.h"

// Binary cross entropy by hand, where numbers are no longer usual.

namespace polytask {

namespace {

using Positive = double;

class BinaryLosses : public ::testing::TestWithParam<Positive> {
 protected:
  BinaryLosses() {
    head->weight.detach().fill_(1);
    head->bias.detach().fill_(0);
    model->add_task("a", Task(head, BCEWithLogitsLoss(GetParam())));
  }
  // Loss and gradients of one step on these logits.
  std::vector<torch::Tensor> step(
      const std::vector<double>& logits,
      const std::vector<double>& labels,
      torch::Dtype dtype,
      Route route) {
    MultiTaskModel twin = testing::twin_of(model);
    twin->to(dtype);
    JointTraining joint(
        twin,
        torch::optim::SGDOptions(0.1),
        JointTrainingOptions().route(route));
    const auto column = [&](const std::vector<double>& values) {
      return torch::tensor(values, dtype).view({-1, 1});
    };
    const Batch batch(column(logits), {{"a", column(labels)}});
    const auto report = joint.backward(batch);
    taken = joint.route().route;
    std::vector<torch::Tensor> all{report.losses};
    for (const auto& parameter : twin->parameters()) {
      all.push_back(parameter.grad().clone());
    }
    return all;
  }
  void expect_equal(
      const std::vector<double>& logits, const std::vector<double>& labels) {
    for (const auto dtype : {torch::kFloat, torch::kDouble}) {
      const double tolerance = dtype == torch::kFloat ? 1e-6 : 1e-13;
      const auto expected = step(logits, labels, dtype, Route::kAutograd);
      const auto found = step(logits, labels, dtype, Route::kAuto);
      EXPECT_EQ(taken, Route::kLinearProgram);
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_TRUE(
            torch::allclose(found[i], expected[i], tolerance, tolerance))
            << i << ": " << found[i] << " instead of " << expected[i];
      }
    }
  }

  torch::nn::Linear head{torch::nn::LinearOptions(1, 1)};
  MultiTaskModel model;
  Route taken = Route::kAuto;
};

TEST_P(BinaryLosses, OfLargeLogitsAreLibTorchs) {
  for (const double size : {0.0, 1e-30, 1e-8, 20.0, 80.0, 88.5, 104.0, 1e4}) {
    expect_equal(
        {size, size, size, -size, -size, -size}, {0, 0.3, 1, 0, 0.3, 1});
  }
}

TEST_P(BinaryLosses, OfManyRowsAndHolesAreLibTorchs) {
  std::vector<double> logits;
  std::vector<double> labels;
  for (int i = 0; i < 1000; ++i) {
    logits.push_back(12 * std::sin(i * 1.7));
    labels.push_back(i % 7 == 0 ? std::nan("") : (i % 5) / 4.0);
  }
  expect_equal(logits, labels);
}

TEST_P(BinaryLosses, RefuseALogitThatIsNotFinite) {
  head->weight.detach().fill_(std::numeric_limits<double>::infinity());
  for (const auto route : {Route::kAutograd, Route::kAuto}) {
    EXPECT_THROW(step({1, -1}, {0, 1}, torch::kFloat, route), c10::ValueError);
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfFactors,
    BinaryLosses,
    ::testing::Values(1.0, 4.5, 0.1),
    [](const auto& tested) {
      return tested.param == 1 ? "one" : tested.param > 1 ? "more" : "less";
    });

} // namespace

} // namespace polytask
