// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/normalized_gramian.h>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

TEST(NormalizedGramian, SplitsRowsIntoNormsAndCosines) {
  const auto rows = normalize_gramian(testing::gramian_of({{3, 4}, {0, 2}}));
  EXPECT_EQ(rows.norms, (Vector{5, 2}));
  EXPECT_EQ(rows.cosines(0, 0), 1);
  EXPECT_DOUBLE_EQ(rows.cosines(0, 1), 0.8);
  EXPECT_DOUBLE_EQ(rows.cosines(1, 0), 0.8);
}

TEST(NormalizedGramian, GivesAZeroRowNoDirection) {
  const auto rows = normalize_gramian(testing::gramian_of({{3, 4}, {0, 0}}));
  EXPECT_EQ(rows.norms[1], 0);
  EXPECT_EQ(rows.cosines(1, 1), 0);
  EXPECT_EQ(rows.cosines(0, 1), 0);
}

} // namespace
} // namespace polytask::math
