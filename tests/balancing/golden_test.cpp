// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/golden.h"

// Every method against what other people's implementations gave: a few cases
// of each are here, the whole files are read where they are.

namespace polytask {
namespace {

const char* const kGoldenFiles[] = {
    "aligned_mtl",
    "aligned_mtl_libmtl",
    "cagrad",
    "cagrad_libmtl",
    "cagrad_mtrl",
    "config",
    "constant",
    "cr_mogm",
    "db_mtl",
    "dualproj",
    "dwa_libmtl",
    "ew",
    "excess_mtl",
    "excess_mtl_libmtl",
    "fairgrad",
    "gls",
    "graddrop",
    "graddrop_libmtl",
    "gradnorm",
    "gradvac",
    "gradvac_libmtl",
    "imtl_g",
    "imtl_libmtl",
    "krum",
    "mean",
    "mgda",
    "mgda_libmtl",
    "moco",
    "modo",
    "nash_mtl",
    "pcd",
    "pcgrad",
    "pcgrad_libmtl",
    "random",
    "representation_libmtl",
    "rlw",
    "scalarizer_constant",
    "scalarizer_cosmos",
    "scalarizer_dwa",
    "scalarizer_famo",
    "scalarizer_geometric_mean",
    "scalarizer_imtl_l",
    "scalarizer_mean",
    "scalarizer_pbi",
    "scalarizer_random",
    "scalarizer_stch",
    "scalarizer_sum",
    "scalarizer_uw",
    "scale_invariant_ls",
    "sdmgrad",
    "sdmgrad_libmtl",
    "stch_libmtl",
    "sum",
    "trimmed_mean",
    "upgrad",
    "uw_libmtl"};

std::string golden_folder() {
  const char* folder = std::getenv("POLYTASK_GOLDEN_DIR");
  return folder ? folder : POLYTASK_GOLDEN_DIR;
}

void expect_all_pass(const testing::GoldenReport& report) {
  std::string failures;
  for (const auto& failure : report.failures) {
    failures += "\n  " + failure;
  }
  EXPECT_EQ(report.passed(), report.cases) << failures;
}

void print_row(const std::string& file, const testing::GoldenReport& report) {
  std::cout << "| " << file << " | " << report.cases << " | " << report.passed()
            << " | " << report.error << " | ";
  if (report.reference_error) {
    std::cout << *report.reference_error;
  } else {
    std::cout << "-";
  }
  std::cout << " |" << std::endl;
}

class GoldenFile : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenFile, IsReproduced) {
  const auto path = golden_folder() + "/" + GetParam() + ".json";
  const auto file = testing::read_golden(path);
  if (!file) {
    GTEST_SKIP() << "there is no " << path;
  }
  const auto report = testing::check_golden(*file);
  if (std::getenv("POLYTASK_GOLDEN_TABLE")) {
    print_row(GetParam(), report);
  }
  EXPECT_GT(report.cases, 0);
  expect_all_pass(report);
}

class GoldenValues : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenValues, AreReproduced) {
  const auto path = std::string(POLYTASK_SOURCE_DIR) +
      "/tests/balancing/values/" + GetParam() + ".json";
  const auto file = testing::read_golden(path);
  ASSERT_TRUE(file) << "there is no " << path;
  const auto report = testing::check_golden(*file);
  EXPECT_GT(report.cases, 0);
  expect_all_pass(report);
}

std::string golden_name(const ::testing::TestParamInfo<const char*>& info) {
  return info.param;
}

INSTANTIATE_TEST_SUITE_P(
    Files, GoldenFile, ::testing::ValuesIn(kGoldenFiles), golden_name);
INSTANTIATE_TEST_SUITE_P(
    Values, GoldenValues, ::testing::ValuesIn(kGoldenFiles), golden_name);

// The rule itself, on a file of one case: the reference found (0.5, 0.5), the
// optimum is (0.4, 0.6).
testing::GoldenReport report_of(
    std::vector<double> weights, std::vector<double> gradient) {
  const auto file = nlohmann::json::parse(R"({
    "method": "mgda", "cases": [{"name": "one", "hyperparameters": {"a": 1},
      "jacobian": [[3, 0], [0, 2.449489742783178]],
      "expected": {"weights": [0.5, 0.5], "gradient": [1.5, 1.224744871391589]},
      "tolerance": {"rtol": 1e-6, "atol": 1e-12,
                    "fields": {"gradient": {"rtol": 1e-3, "atol": 0}}},
      "optimum": {"weights": [0.4, 0.6],
                  "gradient": [1.2, 1.4696938456699067],
                  "objective": 3.6, "reference_objective": 3.75,
                  "tolerance": {"rtol": 1e-9, "atol": 0}},
      "also_accept": [{"why": "for the test", "gradient": [7, 8]}]}]})");
  return testing::check_golden(file, [&](const testing::GoldenCase& golden) {
    EXPECT_EQ(*golden.options.at("a").number(), 1);
    EXPECT_EQ(golden.steps.size(), 1U);
    return std::vector<testing::Outputs>{
        {{"weights", testing::golden_tensor(nlohmann::json(weights))},
         {"gradient", testing::golden_tensor(nlohmann::json(gradient))}}};
  });
}

TEST(GoldenRule, TakesTheReferencesAnswerWithinEachFieldsTolerance) {
  EXPECT_EQ(report_of({0.5, 0.5}, {1.5, 1.225}).passed(), 1);
  EXPECT_EQ(report_of({0.5, 0.5000004}, {1.5, 1.23}).passed(), 0);
}

TEST(GoldenRule, TakesTheOptimumWithinItsTolerance) {
  EXPECT_EQ(report_of({0.4, 0.6}, {1.2, 1.4696938456699067}).passed(), 1);
  // The objective of these weights is better than the reference's, but they do
  // not sum to 1.
  EXPECT_EQ(report_of({0.4, 0.59}, {1.2, 1.4}).passed(), 0);
}

TEST(GoldenRule, TakesAnObjectiveAsGoodAsTheReferences) {
  EXPECT_EQ(report_of({0.45, 0.55}, {1.35, 1.3472193585307478}).passed(), 1);
  EXPECT_EQ(report_of({0.55, 0.45}, {1.65, 1.102270384252430}).passed(), 0);
}

TEST(GoldenRule, TakesAnotherAnswerThatIsAccepted) {
  EXPECT_EQ(report_of({9, 9}, {7, 8}).passed(), 1);
}

TEST(GoldenRule, FailsWhatIsNotANumberOrOfAnotherShape) {
  EXPECT_EQ(report_of({0.5, NAN}, {1.5, 1.2247448713}).passed(), 0);
  EXPECT_EQ(report_of({0.5}, {1.5, 1.2247448713}).passed(), 0);
}

TEST(GoldenRule, MeasuresTheDistanceFromTheOptimumBesideTheReferences) {
  const auto report = report_of({0.4, 0.6}, {1.2, 1.4696938456699067});
  EXPECT_LT(report.error, 1e-12);
  ASSERT_TRUE(report.reference_error);
  EXPECT_NEAR(*report.reference_error, 0.3 / 1.4696938456699067, 1e-12);
}

} // namespace
} // namespace polytask
