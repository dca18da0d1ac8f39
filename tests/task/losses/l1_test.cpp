// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/task/losses/l1.h>
#include <torch/nn/functional/loss.h>

#include "tests/task/losses/printed.h"

namespace polytask {
namespace {

TEST(L1Loss, EqualsLibTorchs) {
  const at::Tensor output = at::randn({9, 3});
  const at::Tensor target = at::randn({9, 3});
  EXPECT_TRUE(at::equal(
      L1Loss()(output, target),
      torch::nn::functional::l1_loss(output, target)));
}

TEST(L1Loss, PrintsAConstructorCall) {
  EXPECT_EQ(testing::printed(L1Loss()), "polytask::L1Loss()");
}

} // namespace
} // namespace polytask
