// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/heads/joined_heads.h>

#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

TEST(JoinedHeads, PutsOutputsSideBySide) {
  const torch::nn::Linear first(3, 1), second(3, 2);
  JoinedHeads heads(first, second);
  const auto x = torch::randn({4, 3});
  const auto output = heads->forward(x);
  ASSERT_EQ(output.sizes(), (std::vector<int64_t>{4, 3}));
  torch::nn::Linear other = second;
  EXPECT_TRUE(torch::equal(output.narrow(1, 1, 2), other->forward(x)));
}

TEST(JoinedHeads, ClonesDeeply) {
  const JoinedHeads heads(torch::nn::Linear(3, 1), torch::nn::Linear(3, 2));
  const auto copy = std::dynamic_pointer_cast<JoinedHeadsImpl>(heads->clone());
  EXPECT_TRUE(torch::equal(copy->parameters()[2], heads->parameters()[2]));
  EXPECT_FALSE(copy->parameters()[2].is_same(heads->parameters()[2]));
  std::ostringstream text;
  copy->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::JoinedHeads(heads=2)");
}

TEST(JoinedHeads, RefusesWhatItCannotJoin) {
  EXPECT_TRUE(says(
      error_of([] { JoinedHeads(std::vector<Network>()); }),
      {"JoinedHeads: expected at least one head"}));
  JoinedHeads heads(torch::nn::Linear(3, 1), torch::nn::Linear(3, 2));
  EXPECT_TRUE(says(
      error_of([&] { heads->forward(torch::zeros({2, 4, 3})); }),
      {"JoinedHeads", "[B, K]", "head 0 gives [2, 4, 1]"}));
}

} // namespace
} // namespace polytask
