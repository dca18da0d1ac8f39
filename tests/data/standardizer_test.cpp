// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/standardizer.h>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/serialize.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

// Two columns: 1, 2, 3 and 10, missing, 30.
at::Tensor two_columns() {
  return at::tensor({1., 10., 2., kNoValue, 3., 30.}).view({3, 2});
}

TEST(Standardizer, TakesMeanAndPopulationDeviationOfWhatIsPresent) {
  const auto scaler = Standardizer::fit(two_columns());
  EXPECT_TRUE(at::allclose(scaler.mean(), at::tensor({2., 20.})));
  EXPECT_TRUE(
      at::allclose(scaler.scale(), at::tensor({std::sqrt(2. / 3.), 10.})));
}

TEST(Standardizer, TransformsWithTheMeanAndDeviationOfFit) {
  const auto scaler = Standardizer::fit(two_columns());
  const at::Tensor other = at::tensor({2., 40.}).view({1, 2});
  EXPECT_TRUE(
      at::allclose(scaler.transform(other), at::tensor({0., 2.}).view({1, 2})));
}

TEST(Standardizer, LeavesMissingValuesMissing) {
  const auto scaled = Standardizer::fit(two_columns()).transform(two_columns());
  EXPECT_TRUE(std::isnan(scaled[1][1].item<double>()));
  EXPECT_EQ(at::isnan(scaled).sum().item<int64_t>(), 1);
}

TEST(Standardizer, PutsTheMeanForMissingValuesWhenAsked) {
  const auto scaler =
      Standardizer::fit(two_columns(), StandardizerOptions().impute(true));
  const at::Tensor scaled = scaler.transform(two_columns());
  EXPECT_EQ(scaled[1][1].item<double>(), 0.0);
  EXPECT_DOUBLE_EQ(scaler.inverse(scaled)[1][1].item<double>(), 20.0);
}

TEST(Standardizer, InverseUndoesTransform) {
  const at::Tensor values = at::rand({20, 3}, at::kDouble) * 100 + 7;
  const auto scaler = Standardizer::fit(values);
  EXPECT_TRUE(
      at::allclose(scaler.inverse(scaler.transform(values)), values, 1e-12));
}

TEST(Standardizer, TurnsAConstantColumnIntoZeros) {
  // Ten times 0.1 do not add up to 1 in floating point.
  const auto scaler =
      Standardizer::fit(at::full({10, 1}, 1e6 + 0.1, at::kDouble));
  EXPECT_EQ(scaler.mean().item<double>(), 1e6 + 0.1);
  EXPECT_EQ(scaler.scale().item<double>(), 0.0);
  const at::Tensor other = at::tensor({5., kNoValue}).view({2, 1});
  const at::Tensor scaled = scaler.transform(other);
  EXPECT_EQ(scaled[0].item<double>(), 0.0);
  EXPECT_TRUE(std::isnan(scaled[1].item<double>()));
  EXPECT_EQ(scaler.inverse(scaled)[0].item<double>(), 1e6 + 0.1);
}

TEST(Standardizer, TurnsAnAlmostConstantColumnIntoZeros) {
  const auto scaler = Standardizer::fit(at::tensor({0., 1e-13}).view({2, 1}));
  EXPECT_EQ(
      scaler.transform(at::tensor({1.}).view({1, 1})).item<double>(), 0.0);
}

TEST(Standardizer, ComputesInDoublePrecision) {
  // In float, the squares of such numbers lose the deviation entirely.
  const at::Tensor values =
      at::tensor({16777214.f, 16777215.f, 16777216.f}).view({3, 1});
  const auto scaler = Standardizer::fit(values);
  EXPECT_EQ(scaler.mean().item<double>(), 16777215.0);
  EXPECT_EQ(scaler.mean().scalar_type(), at::kDouble);
  EXPECT_DOUBLE_EQ(scaler.scale().item<double>(), std::sqrt(2. / 3.));
}

TEST(Standardizer, KeepsTheTypeOfTheValues) {
  const auto scaler = Standardizer::fit(two_columns());
  const at::Tensor values = two_columns().to(at::kFloat);
  EXPECT_EQ(scaler.transform(values).scalar_type(), at::kFloat);
  EXPECT_EQ(scaler.inverse(values).scalar_type(), at::kFloat);
}

TEST(Standardizer, FitsWholeNumbers) {
  const auto scaler = Standardizer::fit(at::tensor({1, 3}).view({2, 1}));
  EXPECT_EQ(scaler.mean().item<double>(), 2.0);
  EXPECT_EQ(scaler.scale().item<double>(), 1.0);
}

TEST(Standardizer, RefusesAColumnWithoutAValue) {
  const at::Tensor values =
      at::tensor({1., kNoValue, 2., kNoValue}).view({2, 2});
  EXPECT_TRUE(says(
      error_of([&] { Standardizer::fit(values); }), {"column 1 has no value"}));
  EXPECT_TRUE(says(
      error_of([] { Standardizer::fit(at::zeros({0, 2})); }),
      {"column 0 has no value"}));
}

TEST(Standardizer, RefusesAColumnWithAnInfiniteValue) {
  const double inf = std::numeric_limits<double>::infinity();
  const at::Tensor values = at::tensor({1., 1., 2., -inf}).view({2, 2});
  EXPECT_TRUE(says(
      error_of([&] { Standardizer::fit(values); }),
      {"column 1 holds an infinite value"}));
}

TEST(Standardizer, RefusesToFitAnythingButAMatrix) {
  EXPECT_TRUE(says(
      error_of([] { Standardizer::fit(at::zeros({3})); }), {"[n, d]", "[3]"}));
  EXPECT_TRUE(
      says(error_of([] { Standardizer::fit(at::Tensor()); }), {"undefined"}));
}

TEST(Standardizer, RefusesToFitNoColumns) {
  EXPECT_TRUE(says(
      error_of([] { Standardizer::fit(at::zeros({0, 0})); }),
      {"Standardizer: expected columns to fit to, but got none"}));
}

TEST(Standardizer, RefusesAnotherNumberOfColumns) {
  const auto scaler = Standardizer::fit(two_columns());
  EXPECT_TRUE(says(
      error_of([&] { scaler.transform(at::zeros({4, 3})); }),
      {"transform", "[n, 2]", "Float [4, 3]"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.inverse(at::zeros({2})); }),
      {"inverse", "[n, 2]", "Float [2]"}));
}

TEST(Standardizer, RefusesToTransformWholeNumbers) {
  const auto scaler = Standardizer::fit(two_columns());
  EXPECT_TRUE(says(
      error_of([&] { scaler.transform(at::zeros({1, 2}, at::kLong)); }),
      {"floating-point", "Long"}));
}

TEST(Standardizer, IsMadeFromItsNumbers) {
  const auto fitted = Standardizer::fit(two_columns());
  const Standardizer made(fitted.mean(), fitted.scale());
  EXPECT_EQ(made.width(), 2);
  EXPECT_TRUE(at::allclose(
      made.transform(two_columns()),
      fitted.transform(two_columns()),
      0,
      0,
      true));
  const Standardizer whole(
      at::tensor({1, 2}, at::kInt), at::tensor({0.f, 2.f}));
  EXPECT_EQ(whole.scale().scalar_type(), at::kDouble);
  EXPECT_TRUE(at::equal(
      whole.transform(at::tensor({5., 6.}).view({1, 2})),
      at::tensor({0., 2.}).view({1, 2})));
}

TEST(Standardizer, KeepsItsNumbersApartFromThoseGiven) {
  const at::Tensor mean = at::zeros({1}, at::kDouble);
  const Standardizer made(mean, at::full({1}, 2., at::kDouble));
  at::Tensor(mean).fill_(5);
  EXPECT_EQ(made.mean().item<double>(), 0);
}

TEST(Standardizer, NamesTheColumnOfANumberThatCannotBe) {
  const at::Tensor fine = at::tensor({1., 1.});
  const auto refusal = [&](const at::Tensor& mean, const at::Tensor& scale) {
    return error_of([&] { Standardizer(mean, scale); });
  };
  EXPECT_TRUE(
      says(refusal(at::tensor({1., kNoValue}), fine), {"column 1", "mean"}));
  EXPECT_TRUE(
      says(refusal(fine, at::tensor({-1., 1.})), {"column 0 has a scale"}));
  EXPECT_TRUE(says(refusal(fine, at::tensor({1., kNoValue})), {"column 1"}));
  EXPECT_TRUE(says(refusal(fine, at::tensor({1.})), {"[2]", "[1]"}));
  EXPECT_TRUE(says(refusal(fine, at::Tensor()), {"undefined"}));
  EXPECT_TRUE(says(
      refusal(fine.view({2, 1}), fine.view({2, 1})), {"shape [d]", "[2, 1]"}));
}

TEST(Standardizer, IsSavedAndLoaded) {
  const auto fitted =
      Standardizer::fit(two_columns(), StandardizerOptions().impute(true));
  std::stringstream stream;
  torch::save(fitted, stream);
  Standardizer loaded;
  torch::load(loaded, stream);
  EXPECT_TRUE(at::equal(loaded.mean(), fitted.mean()));
  EXPECT_TRUE(at::equal(loaded.scale(), fitted.scale()));
  EXPECT_TRUE(loaded.options().impute());
  EXPECT_TRUE(at::equal(
      loaded.transform(two_columns()), fitted.transform(two_columns())));
}

TEST(Standardizer, RefusesToLoadNumbersOfAnotherWidth) {
  std::stringstream stream;
  torch::save(Standardizer(at::zeros({3}), at::full({3}, 1.)), stream);
  auto fitted = Standardizer::fit(two_columns());
  EXPECT_TRUE(says(
      error_of([&] { torch::load(fitted, stream); }),
      {"numbers of 2 columns", "those of 3"}));
  EXPECT_TRUE(at::allclose(fitted.mean(), at::tensor({2., 20.})));
}

TEST(Standardizer, RefusesTheArchiveOfAnythingElse) {
  std::stringstream stream;
  torch::save(at::zeros({2}), stream);
  Standardizer scaler;
  EXPECT_TRUE(says(
      error_of([&] { torch::load(scaler, stream); }),
      {"Standardizer: expected the text 'kind' in the archive"}));
}

TEST(Standardizer, CanDoNothingBeforeItHasNumbers) {
  const Standardizer scaler;
  EXPECT_EQ(scaler.width(), 0);
  std::stringstream stream;
  EXPECT_TRUE(says(
      error_of([&] { scaler.transform(two_columns()); }), {"no numbers yet"}));
  EXPECT_TRUE(says(
      error_of([&] { scaler.inverse(two_columns()); }), {"no numbers yet"}));
  EXPECT_TRUE(
      says(error_of([&] { torch::save(scaler, stream); }), {"no numbers yet"}));
}

class StandardizerDevice : public ::polytask::testing::EachDevice {};
POLYTASK_ON_EACH_DEVICE(StandardizerDevice);

TEST_P(StandardizerDevice, KeepsTheDeviceOfTheValues) {
  const at::Tensor values = two_columns().to(device());
  const auto fitted_there = Standardizer::fit(values);
  const auto fitted_here = Standardizer::fit(two_columns());
  EXPECT_EQ(fitted_there.transform(values).device(), values.device());
  EXPECT_TRUE(at::allclose(
      fitted_there.transform(values).cpu(),
      fitted_here.transform(two_columns()),
      1e-12,
      1e-12,
      /*equal_nan=*/true));
  EXPECT_EQ(fitted_here.transform(values).device(), values.device());
}

} // namespace
} // namespace polytask::data
