// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/every_k_steps.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/make.h>
#include <torch/serialize.h>
#include <torch/types.h>

#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::balancing {
namespace {

using polytask::testing::error_of;
using polytask::testing::says;

void expect_same_state(const Balancing& a, const Balancing& b) {
  const State own = a.state();
  const State other = b.state();
  ASSERT_EQ(own.size(), other.size());
  for (const auto& [name, tensor] : own) {
    EXPECT_TRUE(torch::equal(tensor, other.at(name))) << name;
  }
}

class SavedMethod : public ::testing::TestWithParam<const char*> {
 protected:
  static std::unique_ptr<Balancing> taught() {
    auto method = make(GetParam());
    method->prepare(3);
    if (method->reads() == Reads::kGramian) {
      const auto jacobian = torch::randn({3, 5}, torch::kDouble);
      static_cast<GramianBalancing&>(*method).direction(
          jacobian, {{"losses", torch::rand(3, torch::kDouble) + 1}});
    }
    return method;
  }
};

TEST_P(SavedMethod, IsReadBackWhole) {
  const auto method = taught();
  std::stringstream file;
  torch::save(*method, file);
  auto other = make(GetParam());
  torch::load(*other, file);
  expect_same_state(*method, *other);
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    SavedMethod,
    ::testing::Values(
        "pcgrad", "nash_mtl", "gradnorm", "gradvac", "uw", "dwa", "famo"),
    [](const auto& each) { return std::string(each.param); });

// Its inner method's names have a '/', which no archive takes for a key.
TEST(SavedWrapper, IsReadBackWhole) {
  EveryKSteps method(make("gradvac"), 2);
  method.prepare(3);
  method.direction(torch::randn({3, 5}, torch::kDouble), {});
  ASSERT_EQ(method.state().count("0/tasks"), 1);
  std::stringstream file;
  torch::save(method, file);
  EveryKSteps other(make("gradvac"), 2);
  torch::load(other, file);
  expect_same_state(method, other);
}

TEST(SavedMethodOfAnotherKind, IsRefusedByName) {
  auto pcgrad = make("pcgrad");
  pcgrad->prepare(2);
  std::stringstream file;
  torch::save(*pcgrad, file);
  auto dwa = make("dwa");
  dwa->prepare(2);
  const State before = dwa->state();
  EXPECT_TRUE(says(
      error_of([&] { torch::load(*dwa, file); }),
      {"dwa: expected an archive of this method, but it is one of 'pcgrad'"}));
  EXPECT_EQ(dwa->state().size(), before.size());
}

TEST(SavedMethodOfAnotherKind, IsNoModelsArchive) {
  std::stringstream file;
  torch::save(torch::ones(3), file);
  auto dwa = make("dwa");
  EXPECT_TRUE(says(
      error_of([&] { torch::load(*dwa, file); }),
      {"dwa: expected the text 'balancing' in the archive, but found none"}));
}

class StateOfAnotherMethod : public ::testing::TestWithParam<const char*> {};

TEST_P(StateOfAnotherMethod, IsRefusedWithNothingChanged) {
  const auto method = make(GetParam());
  method->prepare(3);
  const State before = method->state();
  const auto mgda = make("mgda");
  mgda->prepare(3);
  EXPECT_TRUE(says(
      error_of([&] { method->load_state(mgda->state()); }),
      {method->name(), "the state lacks '"}));
  State odd = before;
  for (auto& [key, tensor] : odd) {
    if (tensor.dim() > 0 && key != "random") {
      tensor = torch::ones({7}, tensor.options());
      EXPECT_TRUE(says(
          error_of([&] { method->load_state(odd); }),
          {method->name(), "expected '" + key + "'", "[7]"}));
      break;
    }
  }
  const State after = method->state();
  ASSERT_EQ(after.size(), before.size());
  for (const auto& [key, tensor] : before) {
    EXPECT_TRUE(torch::equal(after.at(key), tensor)) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    StateOfAnotherMethod,
    ::testing::Values(
        "uncertainty_weighting",
        "imtl_l",
        "dwa",
        "famo",
        "moco",
        "gradnorm",
        "excess_mtl",
        "db_mtl",
        "stch_warmup",
        "gradvac"),
    [](const auto& each) { return std::string(each.param); });

} // namespace
} // namespace polytask::balancing
