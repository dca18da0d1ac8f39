// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/residual.h>

#include <gtest/gtest.h>
#include <polytask/sharing/hard_sharing.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using torch::nn::Linear;
using torch::nn::Sequential;

TEST(Residual, AddsWhatItWasGiven) {
  Linear inner(4, 4);
  Residual residual(inner);
  const auto x = torch::randn({3, 4});
  EXPECT_TRUE(torch::equal(residual(x), x + inner->forward(x)));
  EXPECT_EQ(residual->inner().as<Linear>().get(), inner.get());
}

TEST(Residual, IsALayerOfASequential) {
  Sequential trunk(Linear(5, 4), Residual(Sequential(Linear(4, 4))));
  const auto x = torch::randn({3, 5});
  EXPECT_EQ(trunk->forward(x).sizes(), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(
      trunk->named_parameters().keys(),
      (std::vector<std::string>{
          "0.weight", "0.bias", "1.inner.0.weight", "1.inner.0.bias"}));
}

TEST(Residual, LeavesItsInputToLayersThatWorkInPlace) {
  Residual residual(torch::nn::ReLU(torch::nn::ReLUOptions(true)));
  const auto x = torch::randn({3, 4});
  const auto before = x.clone();
  for (int call = 0; call < 2; ++call) {
    EXPECT_TRUE(torch::equal(residual(x), before + before.relu()));
    EXPECT_TRUE(torch::equal(x, before));
  }
}

TEST(Residual, HasTheSumsGradient) {
  Residual residual{torch::nn::Tanh()};
  const auto x = torch::randn({3, 4}).requires_grad_();
  residual(x).sum().backward();
  EXPECT_TRUE(torch::allclose(x.grad(), 2 - x.detach().tanh().square()));
}

TEST(Residual, NamesBothShapesWhereTheyDiffer) {
  Residual residual(Linear(4, 1)); // which LibTorch would repeat
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { residual(torch::randn({3, 4})); }),
      {"Residual: expected", "[3, 4]", "[3, 1]"}));
}

TEST(Residual, ClonesDeeplyWithModesAndFrozenParameters) {
  const Linear inner(4, 4);
  inner->bias.requires_grad_(false);
  Residual residual(Sequential({{"in", inner}}));
  residual->eval();
  const auto copy = std::dynamic_pointer_cast<ResidualImpl>(residual->clone());
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(
      copy->named_parameters().keys(), residual->named_parameters().keys());
  const auto twin = copy->named_parameters();
  EXPECT_TRUE(torch::equal(twin["inner.in.weight"], inner->weight));
  EXPECT_FALSE(twin["inner.in.weight"].is_same(inner->weight));
  EXPECT_FALSE(twin["inner.in.bias"].requires_grad());
  EXPECT_FALSE(copy->is_training());
}

TEST(Residual, ClonesWithTheTrunkItStandsIn) {
  HardSharing sharing(
      Sequential(Linear(5, 4), Residual(Sequential(Linear(4, 4)))));
  const auto copy =
      std::dynamic_pointer_cast<HardSharingImpl>(sharing->clone());
  const auto x = torch::randn({3, 5});
  EXPECT_TRUE(
      torch::equal(copy->features_of(x, 0), sharing->features_of(x, 0)));
}

TEST(Residual, PrintsAConstructorCall) {
  std::ostringstream text;
  Residual(Linear(4, 4))->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::Residual()");
}

} // namespace
} // namespace polytask
