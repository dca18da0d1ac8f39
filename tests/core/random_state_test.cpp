// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/core/random_state.h>
#include <torch/serialize.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <sstream>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

class RandomNumbers : public testing::EachDevice {};

TEST_P(RandomNumbers, ComeAgainAfterRestore) {
  const auto options = torch::TensorOptions(device());
  torch::randn({3}, options);
  const auto state = RandomState::capture();
  const auto first = torch::randn({100}, options);
  EXPECT_FALSE(torch::equal(torch::randn({100}, options), first));
  state.restore();
  EXPECT_TRUE(torch::equal(torch::randn({100}, options), first));
}

TEST_P(RandomNumbers, ComeAgainAfterAFile) {
  const auto options = torch::TensorOptions(device());
  std::stringstream file;
  torch::save(RandomState::capture(), file);
  const auto first = torch::randn({100}, options);
  RandomState read;
  torch::load(read, file);
  read.restore();
  EXPECT_TRUE(torch::equal(torch::randn({100}, options), first));
}

POLYTASK_ON_EACH_DEVICE(RandomNumbers);

TEST(RandomState, ThatHoldsNothingIsRefused) {
  EXPECT_TRUE(says(
      error_of([] { RandomState().restore(); }),
      {"RandomState: it holds nothing"}));
  torch::serialize::OutputArchive archive;
  EXPECT_TRUE(
      says(error_of([&] { RandomState().save(archive); }), {"holds nothing"}));
}

TEST(RandomState, RefusesAnArchiveOfSomethingElse) {
  std::stringstream file;
  torch::save(torch::ones(3), file);
  auto state = RandomState::capture();
  EXPECT_TRUE(
      says(error_of([&] { torch::load(state, file); }), {"RandomState:"}));
  state.restore(); // as it was
}

TEST(RandomState, OfMoreDevicesOrNoGeneratorIsRefusedAndSetsNone) {
  for (const bool in_cuda : {true, false}) {
    torch::serialize::OutputArchive written;
    const auto good =
        at::globalContext().defaultGenerator(at::kCPU).get_state();
    written.write("cpu", in_cuda ? good : torch::ones(3, torch::kByte), true);
    written.write("cuda", c10::IValue(int64_t{in_cuda ? 100 : 0}));
    for (int i = 0; in_cuda && i < 100; ++i) {
      written.write("cuda" + std::to_string(i), good, true);
    }
    std::stringstream file;
    written.save_to(file);
    RandomState state;
    torch::load(state, file);
    const auto before = RandomState::capture();
    const auto next = torch::randn(5);
    before.restore();
    EXPECT_TRUE(says(
        error_of([&] { state.restore(); }),
        {in_cuda ? "100 CUDA devices" : "the generator of cpu"}));
    EXPECT_TRUE(torch::equal(torch::randn(5), next));
  }
}

} // namespace
} // namespace polytask
