// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/poisson_nll.h>
#include <torch/nn/functional/loss.h>

#include <tuple>

#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

class PoissonOptions : public ::testing::TestWithParam<std::tuple<bool, bool>> {
};

TEST_P(PoissonOptions, GiveLibTorchsLoss) {
  namespace F = torch::nn::functional;
  const auto [log_input, full] = GetParam();
  const at::Tensor output = at::rand({9, 3}); // a rate, and a log rate
  const at::Tensor target = at::randint(0, 9, {9, 3}, at::kFloat);
  const PoissonNLLLoss loss(
      PoissonNLLLossOptions().log_input(log_input).full(full).eps(1e-6));
  EXPECT_TRUE(at::equal(
      loss(output, target),
      F::poisson_nll_loss(
          output,
          target,
          F::PoissonNLLLossFuncOptions().log_input(log_input).full(full).eps(
              1e-6))));
}

INSTANTIATE_TEST_SUITE_P(
    LogInputAndFull,
    PoissonOptions,
    ::testing::Combine(::testing::Bool(), ::testing::Bool()));

TEST(PoissonNLLLoss, PrintsAConstructorCall) {
  EXPECT_EQ(
      testing::printed(PoissonNLLLoss()),
      "polytask::PoissonNLLLoss(log_input=true, full=false)");
}

} // namespace
} // namespace polytask
