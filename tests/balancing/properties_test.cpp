// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/make.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

// What every balancing method has in common; one line for each.

namespace polytask {
namespace {

using balancing::Balancing;
using balancing::Extras;
using balancing::make;
using balancing::OptionValues;

constexpr int64_t kColumns = 6;

struct Promises {
  /// Permuted tasks get the same update.
  bool permutes = true;
  /// All gradients s times as long make the update s^degree times as long.
  std::optional<int> degree = std::nullopt;
  /// No task's loss grows along the negative update, for independent rows.
  bool non_conflicting = false;
  int64_t fewest_tasks = 1;
  /// The option for preferences, which are positive.
  const char* preference = nullptr;
};

struct Method {
  const char* name;
  OptionValues (*options)(int64_t tasks);
  Promises promises;
};

void PrintTo(const Method& method, std::ostream* stream) {
  *stream << method.name;
}

OptionValues nothing(int64_t) {
  return {};
}

OptionValues ascending_weights(int64_t tasks) {
  std::vector<double> weights;
  for (int64_t task = 1; task <= tasks; ++task) {
    weights.push_back(static_cast<double>(task));
  }
  return {{"weights", weights}};
}

const Method kMethods[] = {
    // Of losses.
    {"sum", nothing, {.degree = 1}},
    {"mean", nothing, {.degree = 1}},
    {"constant", ascending_weights, {.permutes = false, .degree = 1}},
    {"random", nothing, {.permutes = false, .degree = 1}},
    {"geometric_mean", nothing, {.degree = 1}},
    {"scale_invariant", nothing, {.degree = 1}},
    {"uncertainty_weighting", nothing, {.degree = 1}},
    {"imtl_l", nothing, {.degree = 1}},
    {"dwa", nothing, {.degree = 1}},
    {"famo", nothing, {.degree = 1}},
    {"stch", nothing, {.degree = 1, .preference = "weights"}},
    {"stch_warmup",
     [](int64_t) -> OptionValues { return {{"warmup_epoch", 0}}; },
     {.degree = 1}},
    {"cosmos", nothing, {.degree = 1, .preference = "weights"}},
    {"pbi", nothing, {.degree = 1, .preference = "weights"}},
    // Of the Gramian.
    {"aligned_mtl", nothing, {.degree = 1, .preference = "pref_vector"}},
    {"cagrad", nothing, {.degree = 1}},
    {"cr_mogm",
     [](int64_t) -> OptionValues { return {{"inner", "upgrad"}}; },
     {.degree = 1}},
    {"dualproj",
     nothing,
     {.degree = 1, .non_conflicting = true, .preference = "pref_vector"}},
    {"fairgrad", nothing, {.degree = 0, .non_conflicting = true}},
    {"gradnorm", nothing, {}},
    {"gradvac", nothing, {.permutes = false, .degree = 1}},
    {"imtl", nothing, {.degree = 1}},
    {"imtl_g", nothing, {.degree = 1}},
    {"krum", nothing, {.degree = 1, .fewest_tasks = 3}},
    {"mgda", nothing, {.degree = 1, .non_conflicting = true}},
    {"modo", nothing, {}},
    {"nash_mtl", nothing, {.degree = 0, .non_conflicting = true}},
    {"pcd", nothing, {.permutes = false, .degree = 1}},
    {"pcgrad", nothing, {.permutes = false, .degree = 1}},
    {"sdmgrad", nothing, {.degree = 1, .preference = "pref_vector"}},
    {"upgrad",
     nothing,
     {.degree = 1, .non_conflicting = true, .preference = "pref_vector"}},
    // Of the Jacobian.
    {"config",
     nothing,
     {.degree = 1, .non_conflicting = true, .preference = "pref_vector"}},
    {"db_mtl", nothing, {}},
    {"excess_mtl", nothing, {}},
    {"graddrop", nothing, {.degree = 1}},
    {"gradvac_rows", nothing, {.permutes = false}},
    {"moco", nothing, {}},
    {"representation_graddrop", nothing, {}},
    {"trimmed_mean", nothing, {.degree = 1, .fewest_tasks = 3}},
    // Made of others.
    {"every_k_steps",
     [](int64_t) -> OptionValues { return {{"method", "pcgrad"}, {"k", 2}}; },
     {.permutes = false, .degree = 1}},
    {"preference",
     [](int64_t tasks) -> OptionValues {
       return {
           {"method", "pcgrad"},
           {"preferences",
            std::vector<double>(static_cast<size_t>(tasks), 2.0)}};
     },
     {.permutes = false, .degree = 1, .preference = "preferences"}},
    {"per_group",
     [](int64_t) -> OptionValues {
       return {
           {"method", "pcgrad"},
           {"parameter_sizes", std::vector<double>{2, 4}}};
     },
     {.permutes = false, .degree = 1}},
};

std::unique_ptr<Balancing> made(const Method& method, int64_t tasks) {
  return make(method.name, method.options(tasks));
}

/// Gradients without structure; the columns are more than the tasks.
at::Tensor jacobian_of(int64_t tasks) {
  return at::randn({tasks, kColumns}, at::kDouble);
}

at::Tensor losses_of(int64_t tasks) {
  return 0.5 + 0.25 * at::arange(tasks, at::kDouble);
}

at::Tensor update(
    Balancing& method, const at::Tensor& jacobian, const at::Tensor& losses) {
  // All that a method may need.
  const Extras extras = {
      {"losses", losses.to(jacobian.scalar_type())},
      {"initial_losses", at::ones_like(losses)},
      {"jacobian_1", jacobian},
      {"jacobian_2", jacobian},
      {"jacobian_3", jacobian},
      {"representation", at::ones({2, 3}, jacobian.options())}};
  switch (method.reads()) {
    case balancing::Reads::kLosses:
      return static_cast<balancing::LossBalancing&>(method).direction(
          jacobian, extras);
    case balancing::Reads::kGramian:
      return static_cast<balancing::GramianBalancing&>(method).direction(
          jacobian, extras);
    default:
      return static_cast<balancing::JacobianBalancing&>(method).direction(
          jacobian, extras);
  }
}

at::Tensor update(Balancing& method, const at::Tensor& jacobian) {
  return update(method, jacobian, losses_of(jacobian.size(0)));
}

/// A step of training, with what may follow the update.
at::Tensor step(Balancing& method, const at::Tensor& jacobian) {
  const at::Tensor losses = losses_of(jacobian.size(0));
  const at::Tensor direction = update(method, jacobian, losses);
  if (method.wants_losses_after()) {
    method.observe_after(0.9 * losses * losses);
  }
  method.end_epoch();
  return direction;
}

bool is_finite(const at::Tensor& tensor) {
  return at::isfinite(tensor).all().item<bool>();
}

/// Within 1e-6 of the largest entry.
bool is_near(const at::Tensor& actual, const at::Tensor& expected) {
  const double scale = expected.abs().max().item<double>();
  return at::allclose(actual, expected, 0, 1e-6 * scale);
}

std::string method_name(const ::testing::TestParamInfo<Method>& info) {
  return info.param.name;
}

class EveryMethod : public ::testing::TestWithParam<Method> {
 protected:
  const Promises& promises() const {
    return GetParam().promises;
  }
  int64_t tasks_at_least(int64_t tasks) const {
    return std::max(tasks, promises().fewest_tasks);
  }
  std::unique_ptr<Balancing> made_for(int64_t tasks) const {
    return made(GetParam(), tasks);
  }
};

TEST_P(EveryMethod, KnowsItsName) {
  EXPECT_EQ(made_for(3)->name(), GetParam().name);
}

TEST_P(EveryMethod, GivesAnUpdateOfARowsShapeForAnyNumberOfTasks) {
  for (const int64_t count : {1, 2, 3, 5}) {
    const int64_t tasks = tasks_at_least(count);
    const auto method = made_for(tasks);
    const auto direction =
        update(*method, jacobian_of(tasks).reshape({tasks, 2, 3}));
    EXPECT_EQ(direction.sizes(), at::IntArrayRef({2, 3}));
    EXPECT_TRUE(is_finite(direction)) << tasks << " tasks: " << direction;
    EXPECT_EQ(method->tasks(), tasks);
  }
}

TEST_P(EveryMethod, KeepsTheDtype) {
  const auto jacobian = jacobian_of(3);
  const auto wide = update(*made_for(3), jacobian);
  const auto narrow = update(*made_for(3), jacobian.to(at::kFloat));
  EXPECT_EQ(wide.scalar_type(), at::kDouble);
  EXPECT_EQ(narrow.scalar_type(), at::kFloat);
  // Its random numbers may be others.
  if (GetParam().name != std::string("graddrop") &&
      GetParam().name != std::string("representation_graddrop")) {
    EXPECT_TRUE(at::allclose(narrow.to(at::kDouble), wide, 1e-3, 1e-3))
        << narrow << wide;
  }
}

TEST_P(EveryMethod, GivesPermutedTasksTheSameUpdate) {
  if (!promises().permutes) {
    GTEST_SKIP() << "depends on the order of tasks";
  }
  const auto order = at::tensor({2, 0, 3, 1}, at::kLong);
  const auto jacobian = jacobian_of(4);
  const auto losses = losses_of(4);
  EXPECT_TRUE(is_near(
      update(
          *made_for(4),
          jacobian.index_select(0, order),
          losses.index_select(0, order)),
      update(*made_for(4), jacobian, losses)));
}

TEST_P(EveryMethod, FollowsTheScaleOfTheGradients) {
  if (!promises().degree) {
    GTEST_SKIP() << "depends on the unit";
  }
  const auto jacobian = jacobian_of(3);
  const auto expected = update(*made_for(3), jacobian);
  for (const double scale : {1e-12, 1e12}) {
    EXPECT_TRUE(is_near(
        update(*made_for(3), jacobian * scale) /
            std::pow(scale, *promises().degree),
        expected))
        << "scale " << scale;
  }
}

TEST_P(EveryMethod, HarmsNoTaskIfItPromisesThat) {
  if (!promises().non_conflicting) {
    GTEST_SKIP() << "may harm a task";
  }
  for (int round = 0; round < 20; ++round) {
    const auto jacobian = jacobian_of(4);
    const auto products = at::mv(jacobian, update(*made_for(4), jacobian));
    EXPECT_GE(products.min().item<double>(), -1e-6) << jacobian;
  }
}

TEST_P(EveryMethod, GivesTheSameWithTheSameSeed) {
  const auto first = made_for(3);
  const auto second = made_for(3);
  first->seed(7);
  second->seed(7);
  for (int round = 0; round < 3; ++round) {
    const auto jacobian = jacobian_of(3);
    EXPECT_TRUE(at::equal(step(*first, jacobian), step(*second, jacobian)));
  }
}

TEST_P(EveryMethod, GoesOnFromASavedState) {
  const auto trained = made_for(3);
  for (int round = 0; round < 3; ++round) {
    step(*trained, jacobian_of(3));
  }
  const auto loaded = made_for(3);
  loaded->load_state(trained->state());
  for (int round = 0; round < 3; ++round) {
    const auto jacobian = jacobian_of(3);
    EXPECT_TRUE(at::equal(step(*trained, jacobian), step(*loaded, jacobian)));
  }
}

TEST_P(EveryMethod, HasIndependentClones) {
  const auto original = made_for(3);
  const auto witness = made_for(3);
  const auto jacobian = jacobian_of(3);
  step(*original, jacobian);
  step(*witness, jacobian);
  const auto clone = original->clone();
  step(*original, jacobian_of(3));
  const auto next = jacobian_of(3);
  EXPECT_TRUE(at::equal(step(*clone, next), step(*witness, next)));
}

TEST_P(EveryMethod, StartsAnewAfterReset) {
  const auto method = made_for(3);
  const auto jacobian = jacobian_of(3);
  method->seed(1);
  const auto first = step(*method, jacobian);
  step(*method, jacobian_of(3));
  method->reset();
  method->seed(1);
  EXPECT_TRUE(at::equal(step(*method, jacobian), first));
}

TEST_P(EveryMethod, RefusesTheStateOfAnotherNumberOfTasks) {
  const auto other = made_for(4);
  step(*other, jacobian_of(4));
  const auto method = made_for(3);
  const auto witness = made_for(3);
  const auto jacobian = jacobian_of(3);
  step(*method, jacobian);
  step(*witness, jacobian);
  const auto message =
      testing::error_of([&] { method->load_state(other->state()); });
  EXPECT_TRUE(testing::says(message, {"3", "4"}));
  // Nothing was changed.
  EXPECT_TRUE(at::equal(step(*method, jacobian), step(*witness, jacobian)));
}

TEST_P(EveryMethod, RefusesAStateWithAForeignName) {
  const auto method = made_for(3);
  step(*method, jacobian_of(3));
  auto state = method->state();
  state["wings"] = at::ones({1});
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method->load_state(state); }),
      {GetParam().name, "wings"}));
}

TEST_P(EveryMethod, RefusesNumbersThatAreNotFinite) {
  for (const double bad :
       {std::nan(""), std::numeric_limits<double>::infinity()}) {
    auto jacobian = jacobian_of(3);
    jacobian[1][2] = bad;
    const auto method = made_for(3);
    EXPECT_NE(testing::error_of([&] { update(*method, jacobian); }), "");
  }
}

TEST_P(EveryMethod, RefusesNoTasks) {
  const auto method = made_for(3);
  EXPECT_NE(
      testing::error_of([&] { update(*method, at::zeros({0, kColumns})); }),
      "");
}

TEST_P(EveryMethod, RefusesAVectorOrIntegers) {
  const auto method = made_for(3);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { update(*method, at::ones({3})); }),
      {GetParam().name, "Jacobian"}));
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { update(*method, at::ones({3, kColumns}, at::kLong)); }),
      {GetParam().name, "Jacobian"}));
}

// Methods that have no answer say so; what they give is finite.
TEST_P(EveryMethod, GivesNothingThatIsNotFinite) {
  const auto row = jacobian_of(1);
  const auto other = jacobian_of(1);
  const auto none = at::zeros_like(row);
  const struct {
    const char* what;
    at::Tensor jacobian;
  } kCases[] = {
      {"a zero row", at::cat({row, none, other})},
      {"zeros", at::cat({none, none, none})},
      {"duplicates", at::cat({row, row, other})},
      {"all the same", at::cat({row, row, row})},
      {"opposite rows", at::cat({row, -row, other})},
      {"only opposite rows", at::cat({row, -row, row})},
      {"many scales", at::cat({row, 1e-9 * other, 1e9 * jacobian_of(1)})},
      {"more tasks than columns", jacobian_of(8)}};
  for (const auto& [what, jacobian] : kCases) {
    const auto method = made_for(jacobian.size(0));
    try {
      for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(is_finite(step(*method, jacobian))) << what;
      }
    } catch (const c10::Error& error) {
      EXPECT_TRUE(
          testing::says(error.what_without_backtrace(), {GetParam().name}))
          << what;
    }
  }
}

TEST_P(EveryMethod, TakesAStepOfSomeOfItsTasks) {
  const auto method = made_for(4);
  method->prepare(4);
  for (const std::vector<int64_t>& present :
       {std::vector<int64_t>{1, 3}, {0, 1, 2, 3}, {2}, {0, 1, 2, 3}}) {
    const auto jacobian = jacobian_of(static_cast<int64_t>(present.size()));
    if (jacobian.size(0) < promises().fewest_tasks) {
      continue;
    }
    method->with_tasks(present, [&] {
      EXPECT_TRUE(is_finite(step(*method, jacobian))) << present.size();
    });
    EXPECT_EQ(method->tasks(), 4);
  }
}

TEST_P(EveryMethod, LooksAtItsPreferences) {
  if (!promises().preference) {
    GTEST_SKIP() << "has no preferences";
  }
  for (const auto& bad :
       {std::vector<double>{1, 1}, std::vector<double>{1, -1, 1}}) {
    auto options = GetParam().options(3);
    options.erase(promises().preference);
    options.emplace(promises().preference, bad);
    EXPECT_NE(
        testing::error_of(
            [&] { update(*make(GetParam().name, options), jacobian_of(3)); }),
        "");
  }
}

TEST_P(EveryMethod, RefusesAnUnknownOption) {
  auto options = GetParam().options(3);
  options.emplace("feathers", 1);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { make(GetParam().name, options); }),
      {"feathers"}));
}

TEST_P(EveryMethod, LooksAtTheGramian) {
  const auto made_method = made_for(3);
  if (made_method->reads() != balancing::Reads::kGramian) {
    GTEST_SKIP() << "reads no Gramian";
  }
  auto& method = static_cast<balancing::GramianBalancing&>(*made_method);
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { method.weights(at::ones({3, 2})); }),
      {GetParam().name, "square", "[3, 2]"}));
  if (method.is_symmetric()) {
    auto gramian = at::eye(3, at::kDouble);
    gramian[0][2] = 0.5;
    EXPECT_TRUE(testing::says(
        testing::error_of([&] { method.weights(gramian); }),
        {GetParam().name, "symmetric"}));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods, EveryMethod, ::testing::ValuesIn(kMethods), method_name);

TEST(Make, NamesWhatIsNearAnUnknownMethod) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("pcgrd"); }), {"'pcgrd'", "'pcgrad'"}));
}

TEST(Make, ListsTheOptionsThatThereAre) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("dwa", {{"temprature", 1}}); }),
      {"'temprature'", "'temperature'"}));
}

TEST(Make, SaysWhatKindAnOptionIs) {
  EXPECT_TRUE(testing::says(
      testing::error_of([] { make("dwa", {{"temperature", "hot"}}); }),
      {"dwa", "temperature", "number"}));
}

TEST(Make, MakesAllThatItNames) {
  for (const auto& name : balancing::names()) {
    const auto message = testing::error_of([&] { make(name); });
    // Some need an option.
    if (!message.empty()) {
      EXPECT_TRUE(testing::says(message, {"needs the option"})) << name;
    }
  }
}

} // namespace
} // namespace polytask
