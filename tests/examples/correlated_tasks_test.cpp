// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cmath>

#include "examples/correlated_tasks/rows.h"

namespace polytask {
namespace {

class CorrelatedWeights : public ::testing::TestWithParam<double> {};

TEST_P(CorrelatedWeights, HaveTheirCosineAndLength) {
  torch::manual_seed(3);
  const auto [first, second] = correlated::weights(GetParam(), 2);
  EXPECT_NEAR(first.dot(second).item<double>(), 4 * GetParam(), 1e-12);
  EXPECT_NEAR(first.norm().item<double>(), 2, 1e-12);
  EXPECT_NEAR(second.norm().item<double>(), 2, 1e-12);
}

INSTANTIATE_TEST_SUITE_P(
    Correlations, CorrelatedWeights, ::testing::Values(-1, 0, 0.5, 0.9, 1));

TEST(CorrelatedRows, AreTheAnswersWithoutNoise) {
  torch::manual_seed(4);
  const auto weights = correlated::weights(0.5);
  const auto rows = correlated::rows(weights, 50, 0);
  const auto x = rows.input().to(torch::kDouble);
  ASSERT_EQ(x.sizes(), (std::vector<int64_t>{50, correlated::kInputs}));
  const auto y = rows.target("second").to(torch::kDouble).squeeze(1);
  const auto z = x.mv(weights.second);
  const auto expected =
      z + torch::sin(z) + torch::sin(2 * z + 1) + torch::sin(3 * z + 2);
  EXPECT_LT((y - expected).abs().max().item<double>(), 1e-5);
}

TEST(CorrelatedRows, AreTheSameTaskTwiceAtACorrelationOfOneButForNoise) {
  torch::manual_seed(5);
  const auto rows = correlated::rows(correlated::weights(1), 20000, 0.1);
  const auto apart = rows.target("first") - rows.target("second");
  EXPECT_NEAR(apart.mean().item<double>(), 0, 5e-3);
  EXPECT_NEAR(apart.std().item<double>(), 0.1 * std::sqrt(2), 5e-3);
}

} // namespace
} // namespace polytask
