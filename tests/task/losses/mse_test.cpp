// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/functional/loss.h>

#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

TEST(MSELoss, EqualsLibTorchs) {
  const at::Tensor output = at::randn({9, 3});
  const at::Tensor target = at::randn({9, 3});
  EXPECT_TRUE(at::equal(
      MSELoss()(output, target),
      torch::nn::functional::mse_loss(output, target)));
}

TEST(MSELoss, PrintsAConstructorCall) {
  EXPECT_EQ(testing::printed(MSELoss()), "polytask::MSELoss()");
}

} // namespace
} // namespace polytask
