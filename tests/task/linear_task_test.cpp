// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/task/linear_task.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <cmath>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

std::string linear_error(const LinearTaskOptions& options) {
  return error_of([&] { LinearTaskImpl(LinearTaskOptions(options)); });
}

TEST(LinearTask, StartsUniformInMinusOneToOne) {
  const LinearTask task(200, 100);
  // The mean of 20000 draws lies within 5 of its standard deviations,
  // 1 / sqrt(3 · 20000); the largest falls short of 0.99 with probability
  // 0.995^20000 < 1e-43.
  EXPECT_LE(task->weight.abs().max().item<double>(), 1);
  EXPECT_GT(task->weight.max().item<double>(), 0.99);
  EXPECT_LT(task->weight.min().item<double>(), -0.99);
  EXPECT_LT(std::abs(task->weight.mean().item<double>()), 0.0205);
}

TEST(LinearTask, StartsWithoutAnOffset) {
  const LinearTask task(3, 4);
  EXPECT_EQ(task->weight.sizes(), at::IntArrayRef({4, 3}));
  EXPECT_EQ(task->bias.sizes(), at::IntArrayRef({4}));
  EXPECT_EQ(task->bias.count_nonzero().item<int64_t>(), 0);
}

TEST(LinearTask, StartsWithinTheRangeItIsGiven) {
  const LinearTask task(LinearTaskOptions(100, 100).range(0.01));
  EXPECT_LE(task->weight.abs().max().item<double>(), 0.01);
  EXPECT_GT(task->weight.abs().max().item<double>(), 0.0099);
}

TEST(LinearTask, OfRangeZeroStartsAtZero) {
  const LinearTask task(LinearTaskOptions(3, 2).range(0));
  EXPECT_EQ(task->weight.count_nonzero().item<int64_t>(), 0);
}

TEST(LinearTask, StartsAsLibTorchsLayerWhereAsked) {
  torch::manual_seed(5);
  const LinearTask task(LinearTaskOptions(7, 3).init(LinearInit::kLinear));
  torch::manual_seed(5);
  const torch::nn::Linear linear(7, 3);
  EXPECT_TRUE(at::equal(task->weight, linear->weight));
  EXPECT_TRUE(at::equal(task->bias, linear->bias));
}

TEST(LinearTask, ComputesXTimesWTransposedPlusB) {
  LinearTask task(3, 2);
  const at::Tensor x = at::randn({5, 3});
  EXPECT_TRUE(at::allclose(
      task(x), x.matmul(task->weight.t()) + task->bias, 1e-6, 1e-6));
}

TEST(LinearTask, WithoutBiasHasOneParameter) {
  LinearTask task(LinearTaskOptions(3, 2).bias(false));
  EXPECT_FALSE(task->bias.defined());
  EXPECT_EQ(task->parameters().size(), 1u);
  EXPECT_EQ(task(at::ones({5, 3})).sizes(), at::IntArrayRef({5, 2}));
}

TEST(LinearTask, ClonesDeeply) {
  LinearTask task(3, 2);
  const LinearTask copy(
      std::dynamic_pointer_cast<LinearTaskImpl>(task->clone()));
  EXPECT_TRUE(at::equal(copy->weight, task->weight));
  EXPECT_EQ(copy->options.in_features(), 3);
  torch::NoGradGuard no_grad;
  task->weight.zero_();
  EXPECT_FALSE(at::equal(copy->weight, task->weight));
}

TEST(LinearTask, ResetsItsParametersInPlace) {
  LinearTask task(3, 2);
  const at::Tensor weight = task->weight;
  const at::Tensor before = weight.detach().clone();
  task->reset_parameters();
  EXPECT_TRUE(task->weight.is_same(weight));
  EXPECT_FALSE(at::equal(weight, before));
}

TEST(LinearTask, PrintsAConstructorCall) {
  std::ostringstream text;
  text << LinearTask(LinearTaskOptions(3, 2).bias(false));
  EXPECT_EQ(text.str(), "polytask::LinearTask(3, 2, bias=false)");
}

TEST(LinearTask, RefusesWidthsBelowOne) {
  EXPECT_TRUE(says(
      linear_error({0, 2}),
      {"LinearTask", "at least one input and one output", "0 and 2"}));
  EXPECT_TRUE(says(linear_error({3, -1}), {"3 and -1"}));
}

TEST(LinearTask, RefusesANegativeRange) {
  EXPECT_TRUE(says(
      linear_error(LinearTaskOptions(3, 2).range(-1)),
      {"range of at least 0, but got -1"}));
  EXPECT_TRUE(says(linear_error(LinearTaskOptions(3, 2).range(NAN)), {"nan"}));
  EXPECT_TRUE(says(
      linear_error(LinearTaskOptions(3, 2).range(INFINITY)),
      {"a finite range", "inf"}));
  EXPECT_TRUE(says(
      linear_error(LinearTaskOptions(3, 2).range(1).init(LinearInit::kLinear)),
      {"a range goes with LinearInit::kUniform"}));
}

TEST(LinearTask, RefusesIntegers) {
  LinearTask task(3, 2);
  EXPECT_TRUE(says(
      error_of([&] { task(at::ones({5, 3}, at::kLong)); }),
      {"floating-point input, but got Long"}));
}

TEST(LinearTask, RefusesAnotherWidth) {
  LinearTask task(3, 2);
  EXPECT_TRUE(says(
      error_of([&] { task(at::ones({5, 4})); }),
      {"shape [B, 3], but got [5, 4]"}));
}

} // namespace
} // namespace polytask
