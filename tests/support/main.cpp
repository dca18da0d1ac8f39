// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

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
  testing::UnitTest::GetInstance()->listeners().Append(new SeedEachTest);
  return RUN_ALL_TESTS();
}
