// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "model/wide_start.h"

#include <gmock/gmock.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/no_sharing.h>
#include <polytask/task/linear_task.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/warnings.h"

namespace polytask {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename Sharing>
std::vector<std::string> warnings_of_head(
    const Sharing& sharing, const Network& head) {
  testing::Warnings kept;
  // Each time, for once in a program is for users.
  const c10::WarningUtils::WarnAlways always(true);
  detail::warn_of_wide_start(*sharing, head);
  return kept.texts;
}

TEST(WideStart, IsWarnedOfBehindATrunk) {
  const HardSharing trunk(torch::nn::Linear(5, 64));
  EXPECT_THAT(
      warnings_of_head(trunk, LinearTask(64, 1)),
      ElementsAre(HasSubstr("about 64 times that of torch::nn::Linear")));
}

TEST(WideStart, IsWarnedOfWhereATaskIsAdded) {
  const testing::Warnings kept("MultiTaskModel: a LinearTask of 64");
  const c10::WarningUtils::WarnAlways always(true);
  MultiTaskModel model{HardSharing(torch::nn::Linear(5, 64))};
  model->add_task("a", LinearTask(64, 1));
  EXPECT_THAT(kept.texts, SizeIs(1));
}

TEST(WideStart, IsWarnedOfWhereAHeadIsReplaced) {
  const testing::Warnings kept("MultiTaskModel: a LinearTask of 64");
  const c10::WarningUtils::WarnAlways always(true);
  MultiTaskModel model{HardSharing(torch::nn::Linear(5, 64))};
  model->add_task("a", Task(torch::nn::Linear(64, 1), MSELoss()));
  EXPECT_THAT(kept.texts, IsEmpty());
  model->replace_task("a", LinearTask(64, 1));
  EXPECT_THAT(kept.texts, SizeIs(1));
}

TEST(WideStart, IsNotWarnedOfWhereItIsNoneOrMeant) {
  const HardSharing trunk(torch::nn::Linear(5, 64));
  const LinearTaskOptions options(64, 1);
  const auto with = [](LinearTaskOptions given) { return given; };
  EXPECT_THAT(warnings_of_head(NoSharing(), LinearTask(64, 1)), IsEmpty());
  EXPECT_THAT(warnings_of_head(trunk, LinearTask(4, 1)), IsEmpty());
  EXPECT_THAT(warnings_of_head(trunk, torch::nn::Linear(64, 1)), IsEmpty());
  EXPECT_THAT(
      warnings_of_head(
          trunk, LinearTask(with(options).init(LinearInit::kLinear))),
      IsEmpty());
  EXPECT_THAT(
      warnings_of_head(
          trunk, LinearTask(with(options).init(LinearInit::kUniform))),
      IsEmpty());
  EXPECT_THAT(
      warnings_of_head(trunk, LinearTask(with(options).range(0.1))), IsEmpty());
}

} // namespace
} // namespace polytask
