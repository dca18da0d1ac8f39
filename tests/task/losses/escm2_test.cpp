// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/escm2.h>

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <limits>
#include <sstream>

#include "tests/support/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

torch::Tensor escm2_doubles(const nlohmann::json& values) {
  return torch::tensor(values.get<std::vector<double>>(), torch::kDouble);
}

TEST(ESCM2Loss, HasTheValuesOfPaddleRec) {
  for (const auto& golden : testing::architecture_cases("loss_ESCM2")) {
    const bool is_robust = golden.options["mode"] == "DR";
    const auto number = [&](const char* name) {
      return golden.options[name].get<double>();
    };
    const ESCM2Loss loss(
        ESCM2LossOptions()
            .mode(is_robust ? ESCM2Mode::kDR : ESCM2Mode::kIPSOverClicks)
            .clip(number("clip"))
            .floor(number("propensity_floor"))
            .log_epsilon(number("log_epsilon"))
            .counterfactual_weight(number("counterfactual_weight"))
            .global_weight(number("global_weight"))
            .imputation(ESCM2Imputation::kSigmoid));
    std::vector<std::string> names{"ctr", "cvr"};
    if (is_robust) {
      names.emplace_back("imputation");
    }
    std::vector<torch::Tensor> probabilities, logits;
    for (const auto& name : names) {
      probabilities.push_back(
          escm2_doubles(golden.all[name]).requires_grad_(true));
      logits.push_back(torch::logit(probabilities.back()));
    }
    const auto target = torch::stack(
        {escm2_doubles(golden.all["labels"]["click"]),
         escm2_doubles(golden.all["labels"]["conversion"])},
        1);
    const auto value = loss(torch::stack(logits, 1), target);
    const auto& expected = golden.all["expected"];
    EXPECT_NEAR(
        value.item<double>(),
        expected["value"].get<double>(),
        1e-10 * expected["value"].get<double>())
        << golden.name;
    const auto gradients = torch::autograd::grad({value}, probabilities);
    for (size_t i = 0; i < names.size(); ++i) {
      const auto own = escm2_doubles(expected[names[i] + "_gradient"]);
      EXPECT_TRUE(torch::allclose(gradients[i], own, 1e-9, 1e-11))
          << golden.name << ' ' << names[i];
    }
  }
}

torch::Tensor escm2_output(int64_t rows, int64_t width = 2) {
  return torch::randn({rows, width}, torch::kDouble);
}

torch::Tensor escm2_target(int64_t rows) {
  const auto click = (torch::rand({rows}) < 0.6).to(torch::kDouble);
  const auto conversion =
      click * (torch::rand({rows}) < 0.5).to(torch::kDouble);
  return torch::stack({click, conversion}, 1);
}

TEST(ESCM2Loss, WeighsClickedRowsByThePapersInverse) {
  const auto output = torch::tensor({{0.4, -0.3}, {-1.1, 0.8}}, torch::kDouble);
  const auto target = torch::tensor({{1., 1.}, {0., 0.}}, torch::kDouble);
  const auto entropy = [](double logit, double label) {
    return std::log1p(std::exp(label > 0 ? -logit : logit));
  };
  const auto sigmoid = [](double logit) { return 1 / (1 + std::exp(-logit)); };
  const double click = (entropy(0.4, 1) + entropy(-1.1, 0)) / 2;
  const double corrected = entropy(-0.3, 1) / sigmoid(0.4) / 2;
  const double both = (-std::log(sigmoid(0.4) * sigmoid(-0.3)) -
                       std::log(1 - sigmoid(-1.1) * sigmoid(0.8))) /
      2;
  EXPECT_NEAR(
      ESCM2Loss()(output, target).item<double>(),
      click + 0.5 * corrected + 0.5 * both,
      1e-14);
}

TEST(ESCM2Loss, SendsNoGradientThroughThePropensity) {
  const auto output = escm2_output(8).requires_grad_(true);
  const auto gradient = [&](double weight) {
    const ESCM2Loss loss(
        ESCM2LossOptions().counterfactual_weight(weight).global_weight(0));
    torch::manual_seed(3);
    return torch::autograd::grad({loss(output, escm2_target(8))}, {output})[0];
  };
  EXPECT_TRUE(torch::equal(gradient(0).select(1, 0), gradient(2).select(1, 0)));
  EXPECT_FALSE(
      torch::equal(gradient(0).select(1, 1), gradient(2).select(1, 1)));
}

TEST(ESCM2Loss, ClipsAndFloorsTheWeights) {
  const auto output = torch::full({4, 2}, -8.0, torch::kDouble);
  const auto target = torch::ones({4, 2}, torch::kDouble);
  const auto value = [&](double clip, double floor) {
    return ESCM2Loss(ESCM2LossOptions()
                         .clip(clip)
                         .floor(floor)
                         .counterfactual_weight(1)
                         .global_weight(0))(output, target)
        .item<double>();
  };
  const double one = std::log1p(std::exp(8.0));
  EXPECT_NEAR(value(15, 0), 16 * one, 1e-11);
  const double none = std::numeric_limits<double>::infinity();
  EXPECT_NEAR(value(none, 0), one * (2 + std::exp(8.0)), 1e-9);
  EXPECT_NEAR(value(none, 0.01), 101 * one, 1e-10);
}

TEST(ESCM2Loss, LeavesOutRowsWithAMissingLabel) {
  const auto output = escm2_output(9);
  auto target = escm2_target(9);
  const double expected =
      ESCM2Loss()(output.slice(0, 0, 7), target.slice(0, 0, 7)).item<double>();
  target[7][0] = NAN;
  target[8][1] = NAN;
  EXPECT_NEAR(ESCM2Loss()(output, target).item<double>(), expected, 1e-14);
  EXPECT_EQ(ESCM2Loss().total_weight(Labels(target)), 7);
  target.select(1, 0).fill_(NAN);
  EXPECT_FALSE(ESCM2Loss().has_label(Labels(target)));
  EXPECT_EQ(ESCM2Loss()(output, target).item<double>(), 0);
}

TEST(ESCM2Loss, CountsARowOfWeightTwoTwice) {
  for (const auto mode :
       {ESCM2Mode::kIPS, ESCM2Mode::kIPSOverClicks, ESCM2Mode::kDR}) {
    const ESCM2Loss loss(
        ESCM2LossOptions().mode(mode).imputation(ESCM2Imputation::kSoftplus));
    const auto output = escm2_output(5, mode == ESCM2Mode::kDR ? 3 : 2);
    const auto target = escm2_target(5);
    const auto twice = torch::tensor({0, 1, 2, 2, 3, 4});
    const auto weights = torch::tensor({1., 1., 2., 1., 1.}, torch::kDouble);
    EXPECT_NEAR(
        loss(output, Labels(target).with_weights(weights)).item<double>(),
        loss(output.index_select(0, twice), target.index_select(0, twice))
            .item<double>(),
        1e-13);
  }
}

TEST(ESCM2Loss, StaysFiniteAtExtremeLogits) {
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    const auto output =
        torch::tensor({{500., -500.}, {-500., 500.}, {50., 50.}, {-50., -50.}})
            .to(type)
            .requires_grad_(true);
    const auto target =
        torch::tensor({{1., 1.}, {1., 0.}, {1., 0.}, {0., 0.}}).to(type);
    const auto value = ESCM2Loss()(output, target);
    EXPECT_TRUE(torch::isfinite(value).item<bool>());
    EXPECT_TRUE(torch::isfinite(torch::autograd::grad({value}, {output})[0])
                    .all()
                    .item<bool>());
  }
}

TEST(ESCM2Loss, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(says(
      error_of([] { ESCM2Loss(ESCM2LossOptions().clip(0)); }),
      {"ESCM2Loss: expected a positive clip", "0"}));
  EXPECT_TRUE(says(
      error_of([] { ESCM2Loss(ESCM2LossOptions().floor(-1)); }),
      {"floor", "-1"}));
  EXPECT_TRUE(says(
      error_of([] { ESCM2Loss()(escm2_output(4, 3), escm2_target(4)); }),
      {"an output of shape [B, 2]", "[4, 3]"}));
  EXPECT_TRUE(says(
      error_of([] {
        ESCM2Loss()(escm2_output(4), torch::full({4, 2}, 3.0, torch::kDouble));
      }),
      {"ESCM2Loss", "expected labels from 0 to 1, but found 3"}));
  const ESCM2Loss robust(ESCM2LossOptions().mode(ESCM2Mode::kDR));
  EXPECT_TRUE(says(
      error_of([&] { robust(escm2_output(4), escm2_target(4)); }),
      {"an output of shape [B, 3]", "imputed", "[4, 2]"}));
  EXPECT_TRUE(says(
      error_of([] { ESCM2Loss()(escm2_output(4), torch::zeros({4, 1})); }),
      {"a target of shape [B, 2]", "[4, 1]"}));
}

TEST(ESCM2Loss, PrintsAConstructorCall) {
  std::ostringstream text;
  ESCM2Loss().pretty_print(text);
  EXPECT_TRUE(says(
      text.str(),
      {"polytask::ESCM2Loss(mode=kIPS, clip=15", "global_weight=0.5)"}));
}

} // namespace
} // namespace polytask
