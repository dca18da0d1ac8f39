// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian/modo.h>
#include <polytask/balancing/gramian/sdmgrad.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

template <typename Method>
void expect_any_main_input() {
  std::vector<at::Tensor> rows;
  for (int batch = 0; batch < 3; ++batch) {
    rows.push_back(at::randn({3, 2, 4}, at::kDouble));
  }
  const auto flat = [&](int batch) { return rows[batch].flatten(1); };
  Method method;
  const auto weights = method.weights(flat(0).mm(flat(1).t()));
  const auto expected = weights.unsqueeze(0).mm(flat(2)).reshape({2, 4});
  const auto by_last = Method().direction(
      rows[2], {{"jacobian_1", rows[0]}, {"jacobian_2", rows[1]}});
  const auto by_first = Method().direction(
      rows[0], {{"jacobian_2", rows[1]}, {"jacobian_3", rows[2]}});
  EXPECT_TRUE(at::allclose(by_last, expected));
  EXPECT_TRUE(at::allclose(by_first, expected));
  EXPECT_EQ(method.batches(), 3);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { Method().direction(rows[0]); }),
      {method.name(), "'jacobian_2'"}));
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { Method().direction(rows[0], {{"jacobian_2", flat(1)}}); }),
      {method.name(), "one shape", "[3, 8]"}));
}

TEST(MoDo, TakesTheFirstOrTheLastBatchAsMainInput) {
  expect_any_main_input<MoDo>();
}

TEST(SDMGrad, TakesTheFirstOrTheLastBatchAsMainInput) {
  expect_any_main_input<SDMGrad>();
}

TEST(SDMGrad, GivesThePreferencesOfTasksThatTakePartAllWeight) {
  SDMGrad method(SDMGradOptions().lambda(1e9).preference({0.5, 0.3, 0.2}));
  method.prepare(3);
  math::Vector weights;
  method.with_tasks({1, 2}, [&] { weights = method.solve(math::Matrix(2)); });
  EXPECT_NEAR(weights[0], 0.6, 1e-6);
  EXPECT_NEAR(weights[1], 0.4, 1e-6);
}

} // namespace
} // namespace polytask::balancing
