// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/missing.h"
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace polytask {
namespace {

TEST(CountMissing, PassesOverUndefinedAndEmptyTensors) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(
      detail::count_missing(
          {at::Tensor(), at::tensor({nan, 1.0}), at::empty({0, 3})}, -100),
      (std::vector<int64_t>{0, 1, 0}));
}

TEST(CountMissing, OfNothingIsNothing) {
  EXPECT_TRUE(detail::count_missing({}, -100).empty());
}

TEST(CountMissing, IsTheSameInMemoryAndByOperations) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor values = at::tensor({nan, 7.0, 0.0, nan, 7.0, 7.0});
  for (const auto type : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    const at::Tensor of = values.to(type).view({2, 3});
    EXPECT_EQ(
        detail::count_missing({of, of.t()}, 7), (std::vector<int64_t>{2, 2}))
        << type;
  }
  const at::Tensor whole = at::tensor({7, 1, -7, 7, 0, 3}).view({2, 3});
  for (const auto type : {at::kChar, at::kShort, at::kInt, at::kLong}) {
    const at::Tensor of = whole.to(type);
    EXPECT_EQ(
        detail::count_missing({of, of.t()}, 7), (std::vector<int64_t>{2, 2}))
        << type;
  }
}

TEST(HasPresent, LooksForOneElementThatIsThere) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor holes = at::full({2, 3}, nan);
  at::Tensor last = holes.clone();
  last[1][2] = 1;
  EXPECT_FALSE(detail::has_present(holes, 7));
  EXPECT_FALSE(detail::has_present(holes.t(), 7));
  EXPECT_TRUE(detail::has_present(last, 7));
  EXPECT_TRUE(detail::has_present(last.t(), 7));
}

TEST(HasPresent, HeedsTheIgnoreIndexOfIntegersAlone) {
  const at::Tensor sevens = at::full({3}, 7, at::kLong);
  EXPECT_FALSE(detail::has_present(sevens, 7));
  EXPECT_TRUE(detail::has_present(sevens, 8));
  EXPECT_FALSE(detail::has_present(sevens.to(at::kShort), 7));
  EXPECT_TRUE(detail::has_present(sevens.to(at::kFloat), 7));
  EXPECT_TRUE(detail::has_present(at::full({3}, 1, at::kBool), 1));
}

TEST(HasPresent, FindsNothingInNothing) {
  EXPECT_FALSE(detail::has_present(at::Tensor(), 7));
  EXPECT_FALSE(detail::has_present(at::empty({0, 3}), 7));
}

TEST(MissingMask, IsFalseThroughoutABoolTensor) {
  const at::Tensor values = at::tensor({0, 1}).to(at::kBool);
  EXPECT_TRUE(at::equal(
      detail::missing_mask(values, 1), at::tensor({0, 0}).to(at::kBool)));
}

} // namespace
} // namespace polytask
