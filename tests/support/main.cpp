// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <iostream>

#include "tests/support/stand_in_device.h"

namespace {

/// Every test begins with the same generator, so that it does not depend on
/// which ran before.
class SeedEachTest : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& /*info*/) override {
    torch::manual_seed(0);
  }
};

} // namespace

int main(int argc, char** argv) {
  polytask::testing::StandInDevice::register_if_asked();
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  tests.listeners().Append(new SeedEachTest);
  const int result = RUN_ALL_TESTS();
  // What was to be tested was renamed or is gone.
  if (!GTEST_FLAG_GET(list_tests) && tests.test_to_run_count() == 0) {
    std::cerr << "no test matches --gtest_filter=" << GTEST_FLAG_GET(filter)
              << '\n';
    return 1;
  }
  return result;
}
