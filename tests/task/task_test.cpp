// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/task.h>
#include <torch/nn/modules/linear.h>

#include <cmath>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

TEST(Task, CountsFullyUnlessWeighted) {
  Task task(torch::nn::Linear(3, 1), HuberLoss(0.5));
  EXPECT_EQ(task.weight(), 1.0);
  EXPECT_EQ(task.weight(0.25).weight(), 0.25);
  EXPECT_EQ(task.weight(0).weight(), 0.0);
}

TEST(Task, KnowsItsLoss) {
  const Task task(torch::nn::Linear(3, 1), HuberLoss(0.5));
  ASSERT_NE(task.loss().as<HuberLoss>(), nullptr);
  EXPECT_EQ(task.loss().as<HuberLoss>()->delta(), 0.5);
}

TEST(Task, FromALinearTaskHasTheSquaredError) {
  const Task task = LinearTask(3, 1);
  EXPECT_NE(task.loss().as<MSELoss>(), nullptr);
  EXPECT_FALSE(task.head().as<LinearTask>().is_empty());
}

TEST(Task, ForwardRunsTheHead) {
  torch::nn::Linear head(3, 2);
  const at::Tensor x = at::randn({4, 3});
  EXPECT_TRUE(at::equal(Task(head, MSELoss()).forward(x), head(x)));
}

TEST(Task, WithAnotherHeadKeepsLossAndWeight) {
  const Task task = Task(torch::nn::Linear(3, 1), HuberLoss(0.5)).weight(2);
  torch::nn::Linear other(3, 1);
  const Task moved = task.with_head(other);
  EXPECT_EQ(moved.head().module(), other.ptr());
  EXPECT_EQ(moved.weight(), 2);
  EXPECT_NE(moved.loss().as<HuberLoss>(), nullptr);
  EXPECT_NE(task.head().module(), other.ptr());
}

class TaskWeight : public ::testing::TestWithParam<double> {};

TEST_P(TaskWeight, IsRefusedAndLeftAsItWas) {
  Task task = LinearTask(3, 1);
  EXPECT_TRUE(says(
      error_of([&] { task.weight(GetParam()); }),
      {"Task: expected a finite weight of at least 0, but got"}));
  EXPECT_EQ(task.weight(), 1.0);
}

INSTANTIATE_TEST_SUITE_P(
    BadWeights, TaskWeight, ::testing::Values(-1e-9, NAN, INFINITY, -INFINITY));

} // namespace
} // namespace polytask
