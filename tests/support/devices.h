// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <string>

namespace polytask::testing {

/// A test that runs once on each device. Where there is no CUDA device, a
/// stand-in may take its place (see `StandInDevice`); else the second run is
/// skipped and says so.
class EachDevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "cuda" && !torch::cuda::is_available()) {
      GTEST_SKIP() << "no CUDA device";
    }
  }
  static torch::Device device() {
    return torch::Device(GetParam());
  }
};

} // namespace polytask::testing

#define POLYTASK_ON_EACH_DEVICE(Suite)                                         \
  INSTANTIATE_TEST_SUITE_P(                                                    \
      Devices, Suite, ::testing::Values("cpu", "cuda"), [](const auto& each) { \
        return each.param;                                                     \
      })
