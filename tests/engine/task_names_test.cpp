// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/per_group.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <memory>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

// Errors of a balancing name the task, also in a step of some of the tasks.

namespace polytask {
namespace {

using testing::error_of;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::says;

// Labels of "a" and "c" only; those of "c" are all `target`.
Batch odd_c(double target) {
  const Batch whole = make_shared_batch();
  return Batch(
      whole.input(),
      {{"a", whole.part("a").labels.target()},
       {"c", torch::full_like(whole.part("c").labels.target(), target)}});
}

std::string step_error(
    std::unique_ptr<balancing::Balancing> method, const Batch& batch) {
  JointTraining joint(
      make_shared_model(),
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().check_losses(false).balancing(std::move(method)));
  return error_of([&] { joint.step(batch); });
}

TEST(TaskNames, StandInErrorsOfMethodsOfLosses) {
  EXPECT_TRUE(says(
      step_error(balancing::make("uw"), odd_c(INFINITY)), {"task 'c' is inf"}));
}

TEST(TaskNames, StandInErrorsAboutLossesThatAMethodCannotTake) {
  MultiTaskModel model = make_shared_model();
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : model->task_parameters("c")) {
      parameter.zero_();
    }
  }
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().balancing(balancing::make("scale_invariant")));
  EXPECT_TRUE(says(
      error_of([&] { joint.step(odd_c(0)); }),
      {"expected losses above 0", "that of task 'c' is 0"}));
}

TEST(TaskNames, AreNumbersInErrorsAboutOptions) {
  EXPECT_TRUE(says(
      error_of([] {
        balancing::make("pbi", {{"weights", std::vector<double>{1, -1, 1}}});
      }),
      {"that of task 1 is -1"}));
}

TEST(TaskNames, AreNumbersWhereAMethodIsUsedByItself) {
  const auto method = balancing::make("uw");
  auto& by_itself = static_cast<balancing::LossBalancing&>(*method);
  EXPECT_TRUE(says(
      error_of([&] {
        by_itself.scalarize(torch::tensor({1.0, double{INFINITY}}), {});
      }),
      {"task 1 is inf"}));
}

} // namespace
} // namespace polytask
