// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/make.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/jacobians.h"
#include "tests/support/says.h"

// What is known to the precision of the gradients only.

namespace polytask {
namespace {

using balancing::Extras;
using balancing::GramianBalancing;
using balancing::make;

at::Tensor matrix_of(
    const std::vector<double>& values, int64_t rows, at::ScalarType type) {
  return at::tensor(values, at::kDouble).reshape({rows, -1}).to(type);
}

at::Tensor direction_by(const std::string& name, const at::Tensor& jacobian) {
  const auto method = make(name);
  if (method->reads() == balancing::Reads::kGramian) {
    return static_cast<GramianBalancing&>(*method).direction(jacobian);
  }
  return static_cast<balancing::JacobianBalancing&>(*method).direction(
      jacobian);
}

at::Tensor weights_by(const std::string& name, const at::Tensor& gramian) {
  return static_cast<GramianBalancing&>(*make(name)).weights(gramian);
}

double largest(const at::Tensor& tensor) {
  return tensor.abs().max().item<double>();
}

TEST(Precision, UPGradOfDependentFloatRowsHarmsNoTask) {
  const auto rows = matrix_of(
      {.6, .3, .9, -4.2, -.21, -2.7, -.2, -.9, .7, .36, -.009, .18},
      4,
      at::kFloat);
  // Three rows tie each other in a plane; the fourth gains along its normal.
  const auto update = direction_by("upgrad", rows);
  const auto expected = at::tensor({-.0701, -.2439, .1280}, at::kFloat);
  EXPECT_LT(largest(update - expected), 1e-3) << update;
  EXPECT_GE(at::mv(rows, update).min().item<double>(), -1e-3);
}

TEST(Precision, FairMethodsGiveNothingForRowsOfOneLine) {
  const auto gramian =
      matrix_of({9, -3, -3, -3, 1, 1.0000001, -3, 1.0000001, 1}, 3, at::kFloat);
  const auto rows = at::tensor({3.0, -1.0, -1.0}, at::kDouble);
  for (const char* name : {"nash_mtl", "fairgrad"}) {
    const auto weights = weights_by(name, gramian).to(at::kDouble);
    EXPECT_TRUE(at::isfinite(weights).all().item<bool>());
    EXPECT_LT(std::abs(rows.dot(weights).item<double>()), 0.01) << name;
  }
}

TEST(Precision, AGramianThatIsAsymmetricByRoundingIsTakenForItsMean) {
  const auto gramian = matrix_of(
      {43.1950531,
       -2.7478137,
       43.1950531,
       -2.74781418,
       55.6798477,
       -2.74781418,
       43.1950531,
       -2.7478137,
       43.1950531},
      3,
      at::kFloat);
  const auto mean = (0.5 * (gramian + gramian.t())).contiguous();
  for (const char* name :
       {"cagrad",
        "upgrad",
        "dualproj",
        "mgda",
        "nash_mtl",
        "fairgrad",
        "imtl_g",
        "aligned_mtl"}) {
    EXPECT_TRUE(at::allclose(
        weights_by(name, gramian), weights_by(name, mean), 1e-5, 1e-6))
        << name;
  }
}

TEST(Precision, NoSolverFailsOnAStationaryFloatGramian) {
  for (const char* name :
       {"cagrad",
        "upgrad",
        "dualproj",
        "mgda",
        "nash_mtl",
        "fairgrad",
        "imtl_g",
        "aligned_mtl",
        "gradvac",
        "pcgrad",
        "krum"}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const auto rows = testing::sample_jacobian(
          seed % 2 == 0 ? testing::RowsAre::kWeaklyStationary
                        : testing::RowsAre::kStronglyStationary,
          {6, 4, 3},
          at::kFloat,
          1,
          seed);
      const auto weights = weights_by(name, at::mm(rows, rows.t()));
      EXPECT_TRUE(at::isfinite(weights).all().item<bool>()) << name;
    }
  }
}

// The third row is .3 of the first and .7 of the second, up to rounding.
TEST(Precision, ConFIGSeesThatAFloatRowDependsOnOthers) {
  const auto first = at::tensor({.1, .2, .4}, at::kFloat);
  const auto second = at::tensor({.3, -.1, .2}, at::kFloat);
  const auto rows =
      at::stack({first, second, 0.3 * first + 0.7 * second}).contiguous();
  EXPECT_TRUE(at::allclose(
      direction_by("config", rows),
      at::tensor({.612, .123, .875}, at::kFloat),
      0,
      1e-3))
      << direction_by("config", rows);
}

TEST(Precision, AlignedMTLSeesTheRankOfAFloatGramian) {
  const auto rows = matrix_of({.1, .2, .3, .1, .2, .7}, 3, at::kFloat);
  const auto weights = weights_by("aligned_mtl", at::mm(rows, rows.t()));
  EXPECT_TRUE(at::allclose(
      at::mv(rows.t(), weights),
      at::tensor({.1036, .0920}, at::kFloat),
      0,
      1e-4));
}

// A task's gradient of 1e-27, as a sure classifier has, and one of 1e20.
TEST(Precision, DirectionsOfExtremeFloatRowsAreFiniteAndRight) {
  const auto rows = matrix_of({1, 2, 0, -2, .5, 1, .5, -1, 3}, 3, at::kDouble);
  for (const double extreme : {1e-27, 1e20}) {
    const auto scales = at::tensor({1.0, extreme, 1.0}, at::kDouble);
    const auto scaled = (rows * scales.unsqueeze(1)).to(at::kFloat);
    for (const char* name :
         {"upgrad",
          "dualproj",
          "mgda",
          "cagrad",
          "nash_mtl",
          "fairgrad",
          "imtl_g",
          "aligned_mtl",
          "config",
          "pcgrad",
          "gradvac",
          "gradvac_libmtl"}) {
      const auto update = direction_by(name, scaled);
      const auto expected = direction_by(name, scaled.to(at::kDouble));
      EXPECT_TRUE(at::isfinite(update).all().item<bool>()) << name;
      if (std::string(name).find("grad") == std::string::npos ||
          std::string(name) == "upgrad" || std::string(name) == "cagrad") {
        EXPECT_LT(
            largest(update.to(at::kDouble) - expected),
            1e-4 * largest(expected))
            << name << extreme;
      }
    }
  }
}

TEST(Precision, AnUpdateThatIsNotFiniteIsRefused) {
  const auto rows =
      matrix_of({3e38, 3e38, 3e38, 3e38, 3e38, 3e38}, 3, at::kFloat);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { direction_by("pcgrad", rows); }),
      {"pcgrad", "not finite"}));
}

TEST(Precision, MethodsOfLogarithmsTakeTheSmallestLosses) {
  const auto losses = at::tensor({1e-41, 0.5}, at::kFloat);
  for (const char* name : {"scale_invariant", "geometric_mean"}) {
    const auto method = make(name);
    const auto weights =
        static_cast<balancing::LossBalancing&>(*method).weights(losses);
    EXPECT_TRUE(at::isfinite(weights).all().item<bool>()) << name << weights;
  }
}

TEST(Precision, ExcessMTLRefusesSquaresThatOverflowAndKeepsItsState) {
  const auto method = make("excess_mtl");
  auto& excess = static_cast<balancing::JacobianBalancing&>(*method);
  const auto rows = at::ones({2, 3}, at::kFloat);
  excess.direction(rows);
  const auto before = method->state();
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { excess.direction(1e20 * rows); }),
      {"excess_mtl", "task 0", "too large"}));
  for (const auto& [name, tensor] : method->state()) {
    EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
  }
}

} // namespace
} // namespace polytask
