// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/heads/probability_chain.h>

#include <gtest/gtest.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>
#include <sstream>

#include "task/logit_of_product.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using detail::logit_of_product;
using testing::error_of;
using testing::says;

torch::nn::Linear constant_logit(double logit) {
  torch::nn::Linear layer(1, 1);
  layer->to(torch::kDouble);
  const torch::NoGradGuard no_grad;
  layer->weight.zero_();
  layer->bias.fill_(logit);
  return layer;
}

torch::Tensor one_logit(double value) {
  return torch::full({1, 1}, value, torch::kDouble);
}

// By 1 - Π p_i = -expm1(Σ log p_i), with long doubles.
double logit_by_hand(const std::vector<double>& logits) {
  long double log_p = 0;
  for (const double logit : logits) {
    log_p -= std::log1p(std::exp(-static_cast<long double>(logit)));
  }
  return static_cast<double>(log_p - std::log(-std::expm1(log_p)));
}

TEST(ProbabilityChain, IsTheLogitOfTheProduct) {
  for (const auto& logits : std::vector<std::vector<double>>{
           {0.3},
           {0.3, -0.7},
           {2, 3, -1},
           {0, 0, 0, 0},
           {14, 15},
           {30, 33, 31},
           {-30, 20},
           {-20, -25, -1}}) {
    std::vector<torch::Tensor> tensors;
    for (const double logit : logits) {
      tensors.push_back(one_logit(logit));
    }
    const double expected = logit_by_hand(logits);
    EXPECT_NEAR(
        logit_of_product(tensors).item<double>(),
        expected,
        1e-14 * (1 + std::abs(expected)))
        << logits;
  }
}

TEST(ProbabilityChain, KeepsSmallLossesOfBothLabels) {
  // σ(33) σ(33): 1 - p is about 2e^-33, of which 1 - p itself has no digit.
  const auto logit = logit_of_product({one_logit(33), one_logit(33)});
  const double loss = BCEWithLogitsLoss()(logit, one_logit(1)).item<double>();
  EXPECT_NEAR(loss, 2 * std::exp(-33.0), 1e-13 * loss);
  const auto rare = logit_of_product({one_logit(-33), one_logit(-33)});
  const double small = torch::log1p(torch::exp(rare)).item<double>();
  EXPECT_NEAR(small, std::exp(-66.0), 1e-13 * small);
}

TEST(ProbabilityChain, HasFiniteGradientsAtAnyLogit) {
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    for (const double a : {-500., -50., 0., 50., 500.}) {
      for (const double b : {-500., -50., 0., 50., 500.}) {
        const auto options = torch::TensorOptions(type).requires_grad(true);
        const auto first = torch::full({1, 1}, a, options);
        const auto second = torch::full({1, 1}, b, options);
        const auto third = torch::full({1, 1}, 1.0, options);
        for (const double label : {0., 1.}) {
          const auto loss = BCEWithLogitsLoss()(
              logit_of_product({first, second, third}),
              torch::full({1, 1}, label, type));
          loss.backward();
          EXPECT_TRUE(torch::isfinite(loss).item<bool>()) << a << ' ' << b;
        }
        for (const auto& leaf : {first, second, third}) {
          EXPECT_TRUE(torch::isfinite(leaf.grad()).item<bool>())
              << type << a << ' ' << b;
          EXPECT_LE(leaf.grad().abs().item<double>(), 2);
        }
      }
    }
  }
}

TEST(ProbabilityChain, GivesFloatForHalfPrecision) {
  const auto half = torch::full({2, 1}, 0.5, torch::kBFloat16);
  const auto logit = logit_of_product({half, half});
  EXPECT_EQ(logit.scalar_type(), torch::kFloat);
  EXPECT_NEAR(logit[0].item<double>(), logit_by_hand({0.5, 0.5}), 1e-6);
}

TEST(ProbabilityChain, MultipliesTheProbabilitiesOfItsSteps) {
  ProbabilityChain chain(
      constant_logit(0.4), constant_logit(-0.2), constant_logit(1));
  const auto sigmoid = [](double logit) { return 1 / (1 + std::exp(-logit)); };
  EXPECT_NEAR(
      torch::sigmoid(chain->forward(one_logit(7))).item<double>(),
      sigmoid(0.4) * sigmoid(-0.2) * sigmoid(1),
      1e-15);
  EXPECT_EQ(chain->steps().size(), 3);
}

TEST(ProbabilityChain, RefusesStepsThatDoNotFit) {
  EXPECT_TRUE(says(
      error_of([] { ProbabilityChain(std::vector<Network>()); }),
      {"ProbabilityChain: expected at least one step"}));
  ProbabilityChain uneven(torch::nn::Linear(2, 1), torch::nn::Linear(2, 3));
  EXPECT_TRUE(says(
      error_of([&] { uneven->forward(torch::zeros({4, 2})); }),
      {"ProbabilityChain", "[4, 1]", "step 1 gives [4, 3]"}));
}

TEST(ProbabilityChain, ClonesDeeply) {
  const ProbabilityChain chain(constant_logit(0.4), constant_logit(-0.2));
  const auto copy =
      std::dynamic_pointer_cast<ProbabilityChainImpl>(chain->clone());
  EXPECT_EQ(copy->named_parameters().keys(), chain->named_parameters().keys());
  EXPECT_TRUE(torch::equal(copy->parameters()[1], chain->parameters()[1]));
  EXPECT_FALSE(copy->parameters()[1].is_same(chain->parameters()[1]));
  std::ostringstream text;
  copy->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::ProbabilityChain(steps=2)");
}

} // namespace
} // namespace polytask
