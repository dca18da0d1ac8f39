// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/samplers/simple.h>
#include <polytask/training/samplers/temperature.h>

#include <cmath>
#include <string>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/training/samplers/draws.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

TemperatureSampler sampler_at(const TemperatureSamplerOptions& options) {
  TemperatureSampler sampler({{"a", 100}, {"b", 16}, {"c", 1}}, options);
  sampler.start({"a", "b", "c"}, 4);
  return sampler;
}

std::string temperature_error(const TemperatureSamplerOptions& options) {
  return error_of([&] { sampler_at(options); });
}

TEST(TemperatureSampler, DrawsInProportionToTheRootOfTheSize) {
  auto sampler = sampler_at(2);
  EXPECT_LT(
      testing::chi_square(testing::count_draws(sampler, 30000), {10, 4, 1}),
      testing::kChiSquareLimit);
}

TEST(TemperatureSampler, AtOneDrawsAsTheProportionalOne) {
  auto sampler = sampler_at(1);
  ProportionalSampler proportional({{"a", 100}, {"b", 16}, {"c", 1}});
  proportional.start({"a", "b", "c"}, 4);
  EXPECT_EQ(
      testing::draw_tasks(sampler, 500),
      testing::draw_tasks(proportional, 500));
}

TEST(TemperatureSampler, FarFromZeroDrawsUniformly) {
  auto sampler = sampler_at(1e9);
  EXPECT_LT(
      testing::chi_square(testing::count_draws(sampler, 30000), {1, 1, 1}),
      testing::kChiSquareLimit);
}

TEST(TemperatureSampler, NearZeroDrawsTheLargestTask) {
  // (100 / 16)^1000 is beyond any double.
  auto sampler = sampler_at(1e-3);
  EXPECT_EQ(
      testing::count_draws(sampler, 100), (std::vector<int64_t>{100, 0, 0}));
}

TEST(TemperatureSampler, AnnealsInAStraightLine) {
  auto sampler = sampler_at(
      TemperatureSamplerOptions(1).final_temperature(5).anneal_draws(100));
  EXPECT_DOUBLE_EQ(sampler.temperature(), 1);
  testing::draw_tasks(sampler, 25);
  EXPECT_DOUBLE_EQ(sampler.temperature(), 2);
  testing::draw_tasks(sampler, 50);
  EXPECT_DOUBLE_EQ(sampler.temperature(), 4);
  testing::draw_tasks(sampler, 25);
  EXPECT_DOUBLE_EQ(sampler.temperature(), 5);
  testing::draw_tasks(sampler, 1);
  EXPECT_DOUBLE_EQ(sampler.temperature(), 5);
}

TEST(TemperatureSampler, AnnealedDrawsAtItsFinalTemperature) {
  auto annealed = sampler_at(
      TemperatureSamplerOptions(1).final_temperature(5).anneal_draws(100));
  testing::draw_tasks(annealed, 100);
  auto constant = sampler_at(5);
  constant.restore(annealed.state());
  EXPECT_EQ(
      testing::draw_tasks(annealed, 500), testing::draw_tasks(constant, 500));
}

TEST(TemperatureSampler, RefusesTemperaturesThatAreNotPositive) {
  EXPECT_TRUE(says(temperature_error(0), {"positive, finite temperatures"}));
  EXPECT_TRUE(says(temperature_error(-1), {"but got -1"}));
  EXPECT_TRUE(says(temperature_error(NAN), {"but got nan"}));
  EXPECT_TRUE(says(
      temperature_error(TemperatureSamplerOptions(1).final_temperature(0)),
      {"but got 1 and 0"}));
}

TEST(TemperatureSampler, RefusesAnInfiniteTemperature) {
  EXPECT_TRUE(says(temperature_error(INFINITY), {"but got inf"}));
}

TEST(TemperatureSampler, RefusesToAnnealOverLessThanNothing) {
  EXPECT_TRUE(says(
      temperature_error(TemperatureSamplerOptions(1).anneal_draws(-1)),
      {"anneal_draws of at least 0, but got -1"}));
}

} // namespace
} // namespace polytask
