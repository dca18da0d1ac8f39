// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

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

} // namespace
} // namespace polytask
