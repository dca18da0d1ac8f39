// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/host_value.h"
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <optional>

namespace polytask {
namespace {

class HostValue : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(HostValue, ReadsAScalar) {
  // 0.375 is exact in every floating-point type.
  const at::Tensor scalar = at::full({}, 0.375, GetParam());
  EXPECT_EQ(detail::host_value(scalar), 0.375);
}

TEST_P(HostValue, WritesAVector) {
  const at::Tensor vector =
      detail::host_vector({1.5, -2.0, 0.0}, at::TensorOptions(GetParam()));
  EXPECT_TRUE(at::equal(vector, at::tensor({1.5, -2.0, 0.0}).to(GetParam())));
}

TEST_P(HostValue, WritesAnEmptyVector) {
  const at::Tensor vector =
      detail::host_vector({}, at::TensorOptions(GetParam()));
  EXPECT_EQ(vector.sizes(), at::IntArrayRef({0}));
  EXPECT_EQ(vector.scalar_type(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Dtypes,
    HostValue,
    ::testing::Values(at::kFloat, at::kDouble, at::kHalf, at::kBFloat16));

TEST(HostValueOnADevice, IsNotReadButCanBeWritten) {
  EXPECT_EQ(detail::host_value(at::full({}, 1.0, at::kMeta)), std::nullopt);
  EXPECT_TRUE(
      detail::host_vector({1.0}, at::TensorOptions(at::kMeta)).is_meta());
}

} // namespace
} // namespace polytask
