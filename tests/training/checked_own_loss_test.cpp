// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// `check_losses` and the losses that sharings have by themselves.
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/sharing_around.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <tuple>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/support/sharings.h"

namespace polytask {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// Times the inner one's own loss.
class OwnLossTimes : public SharingAround {
 public:
  explicit OwnLossTimes(std::shared_ptr<Sharing> inner)
      : SharingAround("OwnLossTimes", std::move(inner)) {}

  torch::Tensor own_loss(c10::ArrayRef<int64_t> tasks) override {
    const auto inner = SharingAround::own_loss(tasks);
    return inner.defined() ? inner * factor : inner;
  }

  double factor = 1;
};

// "" for the plain sum, "alternating", or a balancing.
class CheckedOwnLoss : public ::testing::TestWithParam<
                           std::tuple<testing::SharingKind, std::string>> {
 protected:
  static const testing::SharingKind& kind() {
    return std::get<0>(GetParam());
  }
  static std::unique_ptr<Training> training(
      const MultiTaskModel& model,
      const torch::optim::OptimizerOptions& optimizer,
      bool is_checked) {
    const auto& strategy = std::get<1>(GetParam());
    if (strategy == "alternating") {
      return std::make_unique<AlternatingTraining>(
          model,
          optimizer,
          AlternatingTrainingOptions().check_losses(is_checked));
    }
    JointTrainingOptions options;
    options.check_losses(is_checked);
    if (!strategy.empty()) {
      options.balancing(balancing::make(strategy));
    }
    return std::make_unique<JointTraining>(model, optimizer, options);
  }
};

TEST_P(CheckedOwnLoss, TakesTheSameStepsUncheckedWhereAllIsFinite) {
  std::vector<std::vector<torch::Tensor>> after;
  std::vector<torch::Tensor> losses;
  for (const bool is_checked : {true, false}) {
    torch::manual_seed(6);
    const auto model = testing::model_of(kind());
    const auto batch = testing::rows_for(kind(), 12).batch();
    const auto training = CheckedOwnLoss::training(
        model, torch::optim::AdamOptions(0.05), is_checked);
    training->step(batch);
    training->run(batch, 3);
    losses.push_back(training->step(batch).sharing_loss);
    after.push_back(testing::state_of(*model));
  }
  testing::expect_same_state(after[0], after[1]);
  ASSERT_TRUE(losses[0].defined() && losses[1].defined());
  EXPECT_TRUE(torch::equal(losses[0], losses[1]));
  EXPECT_GT(losses[0].item<double>(), 0);
}

TEST_P(CheckedOwnLoss, IsRefusedAsNaNWhereItIsLookedAt) {
  torch::manual_seed(6);
  const auto sharing = std::make_shared<OwnLossTimes>(kind().make());
  auto around = kind();
  around.make = [&] { return sharing; };
  const auto model = testing::model_of(around);
  const auto batch = testing::rows_for(kind(), 12).batch();
  const auto training =
      CheckedOwnLoss::training(model, torch::optim::SGDOptions(0.1), true);
  EXPECT_TRUE(training->step(batch).sharing_loss.isfinite().item<bool>());
  const auto before = testing::state_of(*model);
  for (const double sign : {1., -1.}) {
    sharing->factor = std::copysign(kNotANumber, sign);
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { training->step(batch); }),
        {"Sharing 'OwnLossTimes': its own loss is nan; the step is not "
         "taken"}));
    testing::expect_same_state(testing::state_of(*model), before);
    EXPECT_EQ(training->steps(), 1);
  }
  sharing->factor = 1; // the training goes on
  EXPECT_TRUE(training->step(batch).sharing_loss.isfinite().item<bool>());
}

TEST_P(CheckedOwnLoss, GoesThroughAsNaNWhereItIsNotLookedAt) {
  torch::manual_seed(6);
  const auto sharing = std::make_shared<OwnLossTimes>(kind().make());
  sharing->factor = kNotANumber;
  auto around = kind();
  around.make = [&] { return sharing; };
  const auto model = testing::model_of(around);
  const auto batch = testing::rows_for(kind(), 12).batch();
  const auto training =
      CheckedOwnLoss::training(model, torch::optim::SGDOptions(0.1), false);
  const auto report = training->step(batch);
  EXPECT_TRUE(report.sharing_loss.isnan().item<bool>());
  EXPECT_EQ(training->steps(), 1);
  bool has_moved_there = false;
  for (const auto& parameter : sharing->parameters()) {
    has_moved_there = has_moved_there || parameter.isnan().any().item<bool>();
  }
  EXPECT_TRUE(has_moved_there);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    CheckedOwnLoss,
    ::testing::Combine(
        ::testing::ValuesIn(testing::sharings_with_own_loss()),
        ::testing::Values("", "uw", "pcgrad", "mgda", "alternating")),
    [](const auto& given) {
      const auto& strategy = std::get<1>(given.param);
      return std::get<0>(given.param).name + "_" +
          (strategy.empty() ? "sum" : strategy);
    });

} // namespace
} // namespace polytask
