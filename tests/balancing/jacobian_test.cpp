// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/balancing/jacobian/config.h>
#include <polytask/balancing/jacobian/db_mtl.h>
#include <polytask/balancing/jacobian/excess_mtl.h>
#include <polytask/balancing/jacobian/graddrop.h>
#include <polytask/balancing/jacobian/moco.h>
#include <polytask/balancing/jacobian/representation_graddrop.h>
#include <polytask/balancing/jacobian/trimmed_mean.h>

#include <cmath>
#include <tuple>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

at::Tensor rows_of_doubles(int64_t tasks, int64_t columns) {
  return at::randn({tasks, columns}, at::kDouble);
}

TEST(ConFIG, GivesTwoTasksTheSameByEitherRoute) {
  const auto rows = rows_of_doubles(2, 5);
  // Preferences that differ, if only by rounding, have no closed form.
  const auto general =
      ConFIG(ConFIGOptions().preference({1, 1 + 1e-15})).direction(rows);
  EXPECT_TRUE(at::allclose(ConFIG().direction(rows), general, 0, 1e-12));
}

TEST(ConFIG, HasEqualCosinesOnNearlyDependentRows) {
  auto rows = rows_of_doubles(4, 9);
  rows[3] = rows[0] + rows[1] + rows[2] + 1e-5 * rows[3];
  const auto direction = ConFIG().direction(rows);
  const auto cosines =
      at::mv(rows, direction) / rows.norm(2, 1) / direction.norm();
  EXPECT_GT(cosines.min().item<double>(), 0);
  EXPECT_NEAR(
      (cosines / cosines[0]).max().item<double>(),
      (cosines / cosines[0]).min().item<double>(),
      1e-6);
}

TEST(ConFIG, OfOppositeGradientsIsZero) {
  const auto row = rows_of_doubles(1, 6);
  EXPECT_LT(
      ConFIG().direction(at::cat({row, -3 * row})).norm().item<double>(),
      1e-12);
}

TEST(ConFIG, PassesOverZeroRows) {
  const auto rows = rows_of_doubles(2, 6);
  EXPECT_TRUE(at::allclose(
      ConFIG().direction(at::cat({rows, at::zeros({1, 6}, at::kDouble)})),
      ConFIG().direction(rows)));
}

TEST(GradDrop, KeepsOneSignOfEachColumn) {
  const auto rows =
      at::tensor({1.0, -2.0, 3.0, -1.0, 2.0, 3.0}).reshape({3, 2});
  // Purities of (1 + (1 + 3 + 2) / 6) / 2 = 1 and (1 + 0 / 6) / 2 = ½.
  const auto direction =
      GradDrop().direction(rows, {{"uniform", at::tensor({0.9, 0.4})}});
  EXPECT_TRUE(at::allclose(direction, at::tensor({6.0, 3.0})));
}

TEST(GradDrop, PassesAllWithALeakOfOne) {
  const auto rows = rows_of_doubles(3, 6);
  EXPECT_TRUE(at::allclose(
      GradDrop(GradDropOptions().leak({1, 1, 1})).direction(rows),
      rows.sum(0)));
}

TEST(RepresentationGradDrop, NeedsTheRepresentation) {
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [] { RepresentationGradDrop().direction(rows_of_doubles(2, 6)); }),
      {"representation_graddrop", "'representation'"}));
  EXPECT_TRUE(testing::says(
      testing::error_of([] {
        RepresentationGradDrop().direction(
            rows_of_doubles(2, 6), {{"representation", at::ones({2, 2})}});
      }),
      {"representation_graddrop", "[2, 2]", "6 elements"}));
}

TEST(TrimmedMean, NeedsMoreTasksThanItLeavesOut) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { TrimmedMean().direction(rows_of_doubles(2, 4)); }),
      {"trimmed_mean", "at least 3 tasks", "got 2"}));
}

TEST(TrimmedMean, IsTheMeanOfWhatASortLeaves) {
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf}) {
    for (const int64_t tasks : {3, 5, 8, 33}) {
      for (const int64_t trim : {0, 1, 2, 16}) {
        if (2 * trim >= tasks) {
          continue;
        }
        // More than one block of columns, and a part of one.
        const auto rows = rows_of_doubles(tasks, 150).to(type);
        const auto expected = std::get<0>(at::sort(rows, 0))
                                  .narrow(0, trim, tasks - 2 * trim)
                                  .mean(0);
        TrimmedMean method(TrimmedMeanOptions().trim(trim));
        EXPECT_TRUE(at::allclose(method.direction(rows), expected, 1e-5, 1e-6));
      }
    }
  }
}

TEST(JacobianBalancing, SeesEachNumberThatIsNotFinite) {
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf}) {
    for (int64_t place = 0; place < 39; ++place) {
      for (const double wrong : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        auto rows = rows_of_doubles(3, 13).to(type);
        rows.view(-1)[place] = wrong;
        EXPECT_TRUE(testing::says(
            testing::error_of([&] { TrimmedMean().direction(rows); }),
            {"trimmed_mean", "not finite"}));
      }
    }
  }
}

TEST(ExcessMTL, LeavesTheWeightsEqualInTheFirstStep) {
  const auto rows = rows_of_doubles(4, 6);
  ExcessMTL method(ExcessMTLOptions().step_size(1));
  EXPECT_TRUE(at::allclose(method.direction(rows), rows.mean(0)));
  EXPECT_FALSE(at::allclose(method.direction(rows * rows), rows.mean(0)));
  EXPECT_NEAR(method.state().at("weights").sum().item<double>(), 1, 1e-12);
}

TEST(ExcessMTL, GivesATaskItsBaselineWhenItHasGradients) {
  auto rows = rows_of_doubles(3, 6);
  ExcessMTL method;
  rows[1].zero_();
  method.direction(rows);
  EXPECT_EQ(method.state().at("baseline")[1].item<double>(), 0);
  method.direction(rows_of_doubles(3, 6));
  EXPECT_GT(method.state().at("baseline")[1].item<double>(), 0);
}

TEST(DBMTL, GivesAllGradientsTheLengthOfTheLongest) {
  const auto rows = rows_of_doubles(2, 6);
  DBMTL method(DBMTLOptions().beta(0));
  const auto direction =
      method.direction(rows, {{"losses", at::tensor({1.0, 4.0})}});
  const auto buffer = method.state().at("buffer");
  EXPECT_TRUE(at::allclose(buffer[1], rows[1] / 4));
  const auto lengths = buffer.norm(2, 1);
  EXPECT_TRUE(at::allclose(
      direction, at::mv(buffer.t(), lengths.max() / lengths), 1e-6));
}

TEST(DBMTL, RefusesANegativeLoss) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] {
        DBMTL().direction(
            rows_of_doubles(2, 6), {{"losses", at::tensor({1.0, -4.0})}});
      }),
      {"db_mtl", "task 1", "-4"}));
}

TEST(MoCo, NeedsTheLosses) {
  EXPECT_TRUE(MoCo().wants_losses());
  EXPECT_TRUE(testing::says(
      testing::error_of([] { MoCo().direction(rows_of_doubles(2, 6)); }),
      {"moco", "'losses'"}));
}

TEST(MoCo, RefusesGradientsOfAnotherLength) {
  MoCo method;
  const Extras extras = {{"losses", at::tensor({1.0, 2.0})}};
  method.direction(rows_of_doubles(2, 6), extras);
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { method.direction(rows_of_doubles(2, 5), extras); }),
      {"moco", "[2, 6]", "[2, 5]", "reset()"}));
}

} // namespace
} // namespace polytask::balancing
