// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <gtest/gtest.h>
#include <polytask/core/batch.h>

#include <atomic>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;

std::string batch_error(
    const at::Tensor& input,
    const Batch::Targets& targets,
    BatchOptions options = {}) {
  return error_of([&] { Batch(input, targets, options); });
}

std::string per_task_error(std::vector<Batch::Example> examples) {
  return error_of([&] { Batch::per_task(std::move(examples)); });
}

std::string input_error(const Batch& batch) {
  return error_of([&] { batch.check_input(); });
}

at::Tensor holed_column(int64_t rows) {
  at::Tensor column = at::ones({rows, 1});
  column[0][0] = std::numeric_limits<float>::quiet_NaN();
  return column;
}

TEST(Batch, SharesOneInput) {
  const at::Tensor x = at::ones({4, 2});
  const Batch batch(x, {{"a", at::ones({4, 1})}, {"b", holed_column(4)}});
  EXPECT_TRUE(batch.shares_input());
  EXPECT_TRUE(batch.input().is_same(x));
  EXPECT_TRUE(batch.part("b").input.is_same(x));
  EXPECT_EQ(batch.rows(), 4);
  EXPECT_EQ(batch.tasks(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(batch.device(), at::Device(at::kCPU));
}

TEST(Batch, CountsTheLabelsOfEachTask) {
  const Batch batch(
      at::ones({4, 2}), {{"a", at::ones({4, 1})}, {"b", holed_column(4)}});
  EXPECT_EQ(batch.part("a").labels.missing(), 0);
  EXPECT_EQ(batch.part("b").labels.missing(), 1);
}

TEST(Batch, PerTaskLetsTasksDifferInRows) {
  const Batch batch = Batch::per_task(
      {{"a", at::ones({4, 2}), at::ones({4, 1})},
       {"b", at::ones({3, 2}), holed_column(3)}});
  EXPECT_FALSE(batch.shares_input());
  EXPECT_EQ(batch.rows(), 7);
  EXPECT_EQ(batch.part("b").input.size(0), 3);
  EXPECT_EQ(batch.part("b").labels.missing(), 1);
}

TEST(Batch, PerTaskHasNoSharedInput) {
  const Batch batch =
      Batch::per_task({{"a", at::ones({4, 2}), at::ones({4, 1})}});
  EXPECT_TRUE(says(
      error_of([&] { batch.input(); }),
      {"each task has an input of its own", "part(task).input"}));
}

TEST(Batch, HasTheTasksItWasGiven) {
  const Batch batch(at::ones({4, 2}), {{"a", at::ones({4, 1})}});
  EXPECT_TRUE(batch.has("a"));
  EXPECT_FALSE(batch.has("b"));
  EXPECT_TRUE(
      says(error_of([&] { batch.part("b"); }), {"no task 'b'", "it has 'a'"}));
}

TEST(Batch, CopiesNoTensor) {
  const at::Tensor y = at::ones({4, 1});
  const Batch batch(at::ones({4, 2}), {{"a", y}});
  EXPECT_TRUE(batch.part("a").labels.target().is_same(y));
}

TEST(Batch, TakesIntegerInputs) {
  const at::Tensor tokens = at::full({4, 3}, Labels::kIgnoreIndex, at::kLong);
  EXPECT_EQ(input_error(Batch(tokens, {{"a", at::ones({4, 1})}})), "");
}

TEST(Batch, MovesToAnotherDevice) {
  const Batch batch(at::ones({4, 2}), {{"a", holed_column(4)}});
  const Batch moved = batch.to(at::kMeta);
  EXPECT_EQ(moved.device(), at::Device(at::kMeta));
  EXPECT_TRUE(moved.shares_input());
  EXPECT_TRUE(moved.part("a").input.is_same(moved.input()));
  EXPECT_TRUE(moved.part("a").labels.target().is_meta());
  EXPECT_EQ(moved.part("a").labels.missing(), 1);
}

TEST(Batch, MovesEachTasksInput) {
  const Batch moved = Batch::per_task({{"a", at::ones({4, 2}), at::ones({4})},
                                       {"b", at::ones({3, 2}), at::ones({3})}})
                          .to(at::kMeta);
  EXPECT_FALSE(moved.shares_input());
  EXPECT_TRUE(moved.part("b").input.is_meta());
  EXPECT_EQ(moved.rows(), 7);
}

TEST(Batch, LeavesTheInputUncheckedWhereAsked) {
  EXPECT_EQ(
      input_error(Batch(
          holed_column(4),
          {{"a", at::ones({4, 1})}},
          BatchOptions().check_input(false))),
      "");
}

TEST(Batch, TakesTheWordThatLabelsAreComplete) {
  const Batch batch(
      at::ones({4, 2}),
      {{"a", holed_column(4)}},
      BatchOptions().complete(true));
  EXPECT_TRUE(batch.part("a").labels.is_complete());
}

TEST(Batch, LooksAtNothingWithBothOptions) {
  // A meta tensor has no values, so that a look at it would throw.
  EXPECT_EQ(
      input_error(Batch(
          at::ones({4, 2}, at::kMeta),
          {{"a", at::ones({4, 1}, at::kMeta)}},
          BatchOptions().check_input(false).complete(true))),
      "");
}

TEST(Batch, RefusesToBeEmpty) {
  EXPECT_TRUE(says(batch_error(at::ones({4, 2}), {}), {"it has no task"}));
  EXPECT_TRUE(says(per_task_error({}), {"it has no task"}));
  EXPECT_TRUE(says(
      batch_error(at::ones({0, 2}), {{"a", at::ones({0, 1})}}),
      {"task 'a'", "no rows"}));
}

TEST(Batch, RefusesATaskTwice) {
  const at::Tensor y = at::ones({4, 1});
  EXPECT_TRUE(says(
      batch_error(at::ones({4, 2}), {{"a", y}, {"b", y}, {"a", y}}),
      {"task 'a' comes more than once"}));
}

TEST(Batch, RefusesUndefinedTensors) {
  EXPECT_TRUE(says(
      batch_error(at::Tensor(), {{"a", at::ones({4, 1})}}),
      {"the input of task 'a' is undefined"}));
  EXPECT_TRUE(says(
      batch_error(at::ones({4, 2}), {{"a", at::Tensor()}}),
      {"the target of task 'a' is undefined"}));
}

TEST(Batch, RefusesTensorsWithoutRows) {
  EXPECT_TRUE(says(
      batch_error(at::ones({4, 2}), {{"a", at::scalar_tensor(1)}}),
      {"task 'a'", "first dimension counts rows", "[4, 2]", "[]"}));
}

TEST(Batch, RefusesOtherNumbersOfRows) {
  EXPECT_TRUE(says(
      batch_error(at::ones({4, 2}), {{"a", at::ones({3, 1})}}),
      {"task 'a'", "each of the 4 input rows", "shape [3, 1]"}));
}

TEST(Batch, RefusesATargetOnAnotherDevice) {
  EXPECT_TRUE(says(
      batch_error(at::ones({4, 2}), {{"a", at::ones({4, 1}, at::kMeta)}}),
      {"task 'a'", "the input is on cpu", "the target on meta"}));
}

TEST(Batch, RefusesTasksOnDifferentDevices) {
  EXPECT_TRUE(says(
      per_task_error(
          {{"a", at::ones({4, 2}), at::ones({4, 1})},
           {"b", at::ones({4, 2}, at::kMeta), at::ones({4, 1}, at::kMeta)}}),
      {"task 'b' is on meta", "task 'a' on cpu"}));
}

TEST(Batch, RefusesNaNInTheInputWhenAsked) {
  EXPECT_TRUE(says(
      input_error(Batch(holed_column(4), {{"a", at::ones({4, 1})}})),
      {"the input holds 1 NaN", "only labels may be missing"}));
  EXPECT_TRUE(says(
      input_error(Batch::per_task(
          {{"a", at::ones({4, 1}), at::ones({4, 1})},
           {"b", holed_column(3), at::ones({3, 1})}})),
      {"the input of task 'b' holds 1 NaN"}));
}

TEST(Batch, LooksThroughAnInputThatPassedOnceForAllCopies) {
  at::Tensor x = at::ones({4, 1});
  const Batch batch(x, {{"a", at::ones({4, 1})}});
  const Batch copy = batch.with_weights({{"a", at::ones({4})}});
  batch.check_input();
  x.copy_(holed_column(4));
  EXPECT_EQ(input_error(batch), "");
  EXPECT_EQ(input_error(copy), "");
  EXPECT_EQ(input_error(copy.to(at::kCPU)), "");
}

TEST(Batch, RefusesAnInputUntilItIsMended) {
  at::Tensor x = holed_column(4);
  const Batch batch(x, {{"a", at::ones({4, 1})}});
  EXPECT_TRUE(says(input_error(batch), {"holds 1 NaN"}));
  EXPECT_TRUE(says(input_error(batch), {"holds 1 NaN"}));
  x.fill_(1);
  EXPECT_EQ(input_error(batch), "");
}

TEST(Batch, SeesWhatBecameOfItsInputBeforeAnybodyAsked) {
  at::Tensor x = at::ones({4, 1});
  const Batch batch(x, {{"a", at::ones({4, 1})}});
  x.copy_(holed_column(4));
  EXPECT_TRUE(says(input_error(batch), {"holds 1 NaN"}));
}

TEST(Batch, LooksThroughItsInputBeforeItMoves) {
  // A meta tensor has no values to look at.
  const Batch holed(holed_column(4), {{"a", at::ones({4, 1})}});
  EXPECT_TRUE(says(error_of([&] { holed.to(at::kMeta); }), {"holds 1 NaN"}));
  const Batch whole(at::ones({4, 1}), {{"a", at::ones({4, 1})}});
  EXPECT_EQ(input_error(whole.to(at::kMeta)), "");
}

TEST(Batch, IsReadByThreadsAtOnce) {
  at::Tensor y = at::ones({4000, 1});
  y[3000][0] = std::numeric_limits<float>::quiet_NaN();
  for (int round = 0; round < 20; ++round) {
    const Batch batch(at::ones({4000, 2}), {{"a", y}, {"b", at::ones({4000})}});
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&right, own = batch, &batch] {
        own.check_input();
        const Labels& labels = batch.part("a").labels;
        right += !labels.is_empty() && labels.missing() == 1 &&
            own.part("a").labels.missing() == 1 &&
            own.part("b").labels.is_complete();
      });
    }
    for (auto& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(right, 4);
  }
}

TEST(Batch, ThrowsValueErrors) {
  EXPECT_THROW(Batch(at::ones({4, 2}), {}), c10::ValueError);
  EXPECT_THROW(
      Batch(holed_column(4), {{"a", at::ones({4, 1})}}).check_input(),
      c10::ValueError);
}

Inputs named_inputs(at::Tensor dense) {
  const int64_t rows = dense.size(0);
  return {
      {"ids", at::full({rows, 2}, Labels::kIgnoreIndex, at::kLong)},
      {"dense", std::move(dense)}};
}

TEST(Batch, TakesInputsOfSeveralTensors) {
  const Batch batch(named_inputs(at::ones({4, 2})), {{"a", at::ones({4, 1})}});
  EXPECT_TRUE(batch.shares_input());
  EXPECT_EQ(batch.rows(), 4);
  EXPECT_EQ(batch.inputs().size(), 2U);
  EXPECT_FALSE(batch.part("a").input.defined());
  EXPECT_EQ(batch.part("a").inputs.identity(), batch.inputs().identity());
}

TEST(Batch, OfSeveralTensorsHasNoOneInput) {
  const Batch batch(named_inputs(at::ones({4, 2})), {{"a", at::ones({4, 1})}});
  EXPECT_TRUE(says(
      error_of([&] { batch.input(); }),
      {"expected one tensor", "'ids', 'dense'"}));
}

TEST(Batch, NamesTheTensorThatHoldsNaN) {
  EXPECT_TRUE(says(
      input_error(
          Batch(named_inputs(holed_column(4)), {{"a", at::ones({4, 1})}})),
      {"the input 'dense' holds 1 NaN"}));
  EXPECT_TRUE(says(
      input_error(Batch::per_task(
          {{"a", at::ones({4, 1}), at::ones({4, 1})},
           {"b", named_inputs(holed_column(4)), at::ones({4, 1})}})),
      {"the input 'dense' of task 'b' holds 1 NaN"}));
}

TEST(Batch, ComparesTheRowsOfInputsAndLabels) {
  EXPECT_TRUE(says(
      error_of([] {
        Batch(named_inputs(at::ones({4, 2})), {{"a", at::ones({3, 1})}});
      }),
      {"task 'a'", "4 input rows", "[3, 1]"}));
}

TEST(Batch, PerTaskTakesInputsOfDifferentNames) {
  const Batch batch = Batch::per_task(
      {{"a", named_inputs(at::ones({4, 2})), at::ones({4, 1})},
       {"b", at::ones({3, 5}), at::ones({3, 1})}});
  EXPECT_EQ(batch.rows(), 7);
  EXPECT_EQ(batch.part("a").inputs["dense"].size(1), 2);
  EXPECT_EQ(batch.part("b").input.size(1), 5);
}

TEST(Batch, MovesInputsOfSeveralTensorsOnce) {
  const Inputs inputs = named_inputs(at::ones({4, 2}));
  const Batch moved = Batch::per_task({{"a", inputs, at::ones({4, 1})},
                                       {"b", inputs, at::ones({4, 1})}})
                          .to(at::kMeta);
  EXPECT_TRUE(moved.part("a").inputs["ids"].is_meta());
  EXPECT_EQ(
      moved.part("a").inputs.identity(), moved.part("b").inputs.identity());
}

TEST(Batch, HandsWeightsOfRowsToTheTasks) {
  const at::Tensor weights = at::full({4}, 2.0);
  const Batch plain(
      at::ones({4, 2}), {{"a", at::ones({4, 1})}, {"b", at::ones({4, 1})}});
  const Batch batch = plain.with_weights({{"b", weights}});
  EXPECT_FALSE(batch.part("a").labels.weights().defined());
  EXPECT_TRUE(at::equal(batch.part("b").labels.weights(), weights));
  EXPECT_FALSE(plain.part("b").labels.weights().defined());
}

TEST(Batch, RefusesWeightsByTheNameOfTheirTask) {
  const Batch batch(at::ones({4, 2}), {{"a", at::ones({4, 1})}});
  EXPECT_TRUE(says(
      error_of([&] { batch.with_weights({{"z", at::ones({4})}}); }),
      {"no task 'z'", "it has 'a'"}));
  EXPECT_TRUE(says(
      error_of([&] { batch.with_weights({{"a", at::ones({3})}}); }),
      {"task 'a'"}));
  EXPECT_TRUE(says(
      error_of([&] { batch.with_weights({{"a", at::full({4}, -1.0)}}); }),
      {"task 'a'"}));
  EXPECT_TRUE(says(
      error_of([&] {
        batch.with_weights({{"a", at::ones({4})}, {"a", at::ones({4})}});
      }),
      {"two weights for task 'a'"}));
}

TEST(Batch, FindsEachOfManyTasks) {
  Batch::Targets targets;
  for (int task = 0; task < 3000; ++task) {
    targets.emplace_back(
        "t" + std::to_string(task * 7 % 3000), at::full({1, 1}, task));
  }
  const Batch batch(at::ones({1, 2}), targets);
  for (const auto& [name, target] : targets) {
    ASSERT_TRUE(batch.part(name).labels.target().is_same(target));
  }
  EXPECT_FALSE(batch.has("t3000"));
  EXPECT_FALSE(batch.to(at::kMeta).has("zzz"));
  EXPECT_TRUE(batch.to(at::kMeta).has("t42"));
}

TEST(Batch, RefusesOneOfManyTasksThatComesTwice) {
  Batch::Targets targets;
  for (int task = 0; task < 100; ++task) {
    targets.emplace_back("t" + std::to_string(task % 99), at::ones({1, 1}));
  }
  EXPECT_TRUE(says(
      batch_error(at::ones({1, 2}), targets),
      {"task 't0' comes more than once"}));
}

} // namespace
} // namespace polytask
