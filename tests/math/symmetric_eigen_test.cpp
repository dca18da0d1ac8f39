// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/math/symmetric_eigen.h>

#include "tests/support/gramians.h"

namespace polytask::math {
namespace {

TEST(SymmetricEigen, OfATwoByTwoMatrix) {
  Matrix matrix(2, 1.0);
  matrix(0, 0) = matrix(1, 1) = 2;
  const SymmetricEigen eigen = symmetric_eigen(matrix);
  EXPECT_NEAR(eigen.values[0], 1, 1e-15);
  EXPECT_NEAR(eigen.values[1], 3, 1e-15);
  EXPECT_NEAR(eigen.vectors(0, 0), -eigen.vectors(1, 0), 1e-15);
  EXPECT_NEAR(eigen.vectors(0, 1), eigen.vectors(1, 1), 1e-15);
}

TEST(SymmetricEigen, HasTheVectorsInColumns) {
  const Matrix matrix = testing::gramian_of(testing::random_rows(9, 12, 1));
  const SymmetricEigen eigen = symmetric_eigen(matrix);
  for (int64_t k = 0; k < 9; ++k) {
    Vector vector(9);
    for (int64_t i = 0; i < 9; ++i) {
      vector[i] = eigen.vectors(i, k);
    }
    EXPECT_NEAR(testing::inner(vector, vector), 1, 1e-13);
    Vector scaled = vector;
    for (double& value : scaled) {
      value *= eigen.values[k];
    }
    EXPECT_LT(
        testing::largest_difference(testing::product(matrix, vector), scaled),
        1e-12);
    EXPECT_TRUE(k == 0 || eigen.values[k] >= eigen.values[k - 1]);
  }
}

} // namespace
} // namespace polytask::math
