// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/golden_bilevel.h"

// The bilevel methods, models and all, against LibMTL: a few cases of each are
// here, the whole files are read where they are.

namespace polytask {
namespace {

void expect_reproduced(const std::string& path) {
  const auto file = testing::read_golden(path);
  if (!file) {
    GTEST_SKIP() << "there is no " << path;
  }
  const auto report = testing::check_bilevel(*file);
  EXPECT_GT(report.cases, 0);
  for (const auto& failure : report.failures) {
    ADD_FAILURE() << failure;
  }
  if (std::getenv("POLYTASK_GOLDEN_TABLE")) {
    std::cout << "| " << (*file)["method"].get<std::string>() << " | "
              << report.cases << " | " << report.passed() << " | "
              << report.error << " | - |" << std::endl;
  }
}

class BilevelGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(BilevelGolden, FileIsReproduced) {
  const char* folder = std::getenv("POLYTASK_GOLDEN_DIR");
  const std::string from = folder ? folder : POLYTASK_GOLDEN_DIR;
  expect_reproduced(from + "/" + GetParam() + ".json");
}

TEST_P(BilevelGolden, ValuesAreReproduced) {
  const std::string from = POLYTASK_SOURCE_DIR "/tests/balancing/values/";
  expect_reproduced(from + GetParam() + ".json");
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    BilevelGolden,
    ::testing::Values("moml", "auto_lambda", "forum"),
    [](const auto& each) { return std::string(each.param); });

} // namespace
} // namespace polytask
