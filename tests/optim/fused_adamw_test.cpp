// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/optim/fused_adamw.h>

#include <vector>

namespace polytask::optim {
namespace {

TEST(FusedAdamW, DecaysWeightsApartFromTheGradient) {
  const torch::Tensor parameter = at::ones({2}).requires_grad_();
  parameter.mutable_grad() = at::zeros({2});
  FusedAdamW(
      std::vector<torch::Tensor>{parameter},
      torch::optim::AdamWOptions(0.5).weight_decay(0.1))
      .step();
  EXPECT_FLOAT_EQ(parameter[0].item<float>(), 0.95f);
}

} // namespace
} // namespace polytask::optim
