// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/mgda.h>
#include <polytask/balancing/gramian/summed_representation.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

TEST(SummedRepresentation, WeighsByTheSumAndCombinesTheWhole) {
  const auto rows = at::randn({3, 4, 5}, at::kDouble);
  SummedRepresentation method(std::make_unique<MGDA>());
  const auto direction = method.direction(rows);
  MGDA by_sum;
  by_sum.direction(rows.sum(1));
  EXPECT_EQ(method.last_weights(), by_sum.last_weights());
  EXPECT_TRUE(at::allclose(direction.sum(0), by_sum.direction(rows.sum(1))));
  EXPECT_EQ(direction.sizes(), at::IntArrayRef({4, 5}));
}

TEST(SummedRepresentation, NeedsABatch) {
  SummedRepresentation method(std::make_unique<MGDA>());
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { method.direction(at::randn({3, 5}, at::kDouble)); }),
      {"summed_representation", "[3, 5]"}));
}

} // namespace
} // namespace polytask::balancing
