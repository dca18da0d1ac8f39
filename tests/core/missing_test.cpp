// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/missing.h"
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
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

TEST(MissingMask, IsFalseThroughoutABoolTensor) {
  const at::Tensor values = at::tensor({0, 1}).to(at::kBool);
  EXPECT_TRUE(at::equal(
      detail::missing_mask(values, 1), at::tensor({0, 0}).to(at::kBool)));
}

} // namespace
} // namespace polytask
