// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/dataset.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

// Row i: the input 2 i, 2 i + 1, and the targets 10 + i and 20 + i.
Dataset two_task_data(int64_t rows) {
  return Dataset(
      at::arange(2 * rows, at::kFloat).view({rows, 2}),
      {{"a", at::arange(10, 10 + rows, at::kFloat)},
       {"b", at::arange(20, 20 + rows, at::kFloat)}});
}

TEST(Dataset, KnowsItsRowsAndTasks) {
  const Dataset data = two_task_data(4);
  EXPECT_EQ(data.size(), 4);
  EXPECT_EQ(data.tasks(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(data.has("b"));
  EXPECT_FALSE(data.has("c"));
}

TEST(Dataset, DoesNotCopy) {
  const at::Tensor x = at::zeros({2, 1});
  const at::Tensor y = at::zeros({2});
  const Dataset data(x, {{"y", y}});
  EXPECT_TRUE(data.input().is_same(x));
  EXPECT_TRUE(data.target("y").is_same(y));
}

TEST(Dataset, NamesItsTasksBesideAnUnknownOne) {
  EXPECT_TRUE(says(
      error_of([] { two_task_data(1).target("c"); }),
      {"no task 'c'", "'a', 'b'"}));
}

TEST(Dataset, SelectsRowsInTheOrderOfTheIndex) {
  const Dataset some = two_task_data(4).select(at::tensor({3, 0}, at::kLong));
  EXPECT_TRUE(
      at::equal(some.input(), at::tensor({6.f, 7.f, 0.f, 1.f}).view({2, 2})));
  EXPECT_TRUE(at::equal(some.target("a"), at::tensor({13.f, 10.f})));
  EXPECT_TRUE(at::equal(some.target("b"), at::tensor({23.f, 20.f})));
}

TEST(Dataset, SelectsNoRows) {
  EXPECT_EQ(two_task_data(4).select(at::zeros({0}, at::kLong)).size(), 0);
}

TEST(Dataset, RefusesToSelectARowOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { two_task_data(4).select(at::tensor({4}, at::kLong)); }),
      {"Dataset: expected row numbers from 0 to 3, but found 4"}));
}

TEST(Dataset, BecomesABatchOfAllRows) {
  const Dataset data = two_task_data(4);
  const Batch batch = data.batch();
  EXPECT_TRUE(batch.shares_input());
  EXPECT_TRUE(batch.input().is_same(data.input()));
  EXPECT_EQ(batch.tasks(), data.tasks());
}

TEST(Dataset, HandsItsBatchTheOptions) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Dataset data(at::tensor({nan}).view({1, 1}), {{"y", at::zeros({1})}});
  EXPECT_TRUE(says(error_of([&] { data.batch().check_input(); }), {"NaN"}));
  EXPECT_EQ(
      error_of(
          [&] { data.batch(BatchOptions().check_input(false)).check_input(); }),
      "");
}

TEST(Dataset, CarriesWeightsOfRows) {
  const Dataset data =
      two_task_data(3).with_weights({{"b", at::tensor({1.f, 0.f, 3.f})}});
  const Batch batch = data.batch();
  EXPECT_FALSE(batch.part("a").labels.weights().defined());
  EXPECT_TRUE(
      at::equal(batch.part("b").labels.weights(), at::tensor({1.f, 0.f, 3.f})));
  EXPECT_EQ(batch.part("b").labels.missing(), 1);
  const Dataset some = data.select(at::tensor({2, 0}, at::kLong));
  EXPECT_TRUE(at::equal(
      some.batch().part("b").labels.weights(), at::tensor({3.f, 1.f})));
  EXPECT_EQ(data.to(at::kCPU).weights().size(), 1u);
}

TEST(Dataset, ReplacesTheWeightsOfATask) {
  const Dataset data = two_task_data(2)
                           .with_weights({{"a", at::full({2}, 5.f)}})
                           .with_weights({{"a", at::full({2, 1}, 2.f)}});
  ASSERT_EQ(data.weights().size(), 1u);
  EXPECT_TRUE(at::equal(data.weights()[0].second, at::full({2}, 2.f)));
}

TEST(Dataset, NamesTheTaskOfWeightsThatCannotBe) {
  const auto refusal = [](const Batch::Targets& weights) {
    return error_of([&] { two_task_data(3).with_weights(weights); });
  };
  EXPECT_TRUE(
      says(refusal({{"c", at::ones({3})}}), {"no task 'c'", "'a', 'b'"}));
  EXPECT_TRUE(says(
      refusal({{"a", at::ones({2})}}), {"Dataset: task 'a': ", "[3]", "[2]"}));
  EXPECT_TRUE(says(
      refusal({{"a", at::tensor({1.f, -1.f, 0.f})}}),
      {"task 'a'", "negative"}));
  EXPECT_TRUE(says(
      refusal({{"b", at::full({3}, std::numeric_limits<float>::quiet_NaN())}}),
      {"task 'b'", "NaN"}));
  EXPECT_TRUE(says(refusal({{"b", at::Tensor()}}), {"task 'b'", "undefined"}));
  EXPECT_TRUE(says(
      refusal({{"b", at::ones({3})}, {"b", at::ones({3})}}),
      {"task 'b'", "more than once"}));
}

// A row of numbers and an id, each of which is the target.
Dataset named_rows(int64_t rows) {
  const at::Tensor numbers = at::arange(rows, at::kFloat);
  return Dataset(
      Inputs{{"dense", numbers.view({rows, 1})}, {"ids", at::arange(rows)}},
      {{"y", numbers}});
}

TEST(Dataset, TakesNamedInputs) {
  const Dataset data = named_rows(4);
  EXPECT_EQ(data.size(), 4);
  const Dataset some = data.select(at::tensor({3, 1}, at::kLong));
  EXPECT_TRUE(at::equal(some.inputs()["ids"], at::tensor({3, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(
      some.to(at::kCPU).batch().inputs()["dense"].flatten(), some.target("y")));
}

TEST(Dataset, NamesTheInputsBesideOneThatIsNotThere) {
  EXPECT_TRUE(says(
      error_of([] { named_rows(2).inputs()["word"]; }),
      {"no 'word'", "'dense', 'ids'"}));
  EXPECT_TRUE(
      says(error_of([] { named_rows(2).input(); }), {"'dense', 'ids'"}));
}

TEST(Dataset, RefusesNamedInputsOfUnequalRowsByName) {
  const at::Tensor y = at::zeros({3});
  EXPECT_TRUE(says(
      error_of([&] {
        Dataset(
            Inputs{{"dense", at::zeros({3, 2})}, {"ids", at::zeros({2})}},
            {{"y", y}});
      }),
      {"'ids'", "3 rows of 'dense'", "[2]"}));
  EXPECT_TRUE(says(
      error_of([&] {
        Dataset(
            Inputs{{"dense", at::zeros({2, 2})}, {"ids", at::zeros({2})}},
            {{"y", y}});
      }),
      {"task 'y'", "2 rows", "[3]"}));
}

TEST(Dataset, RefusesAnotherNumberOfTargets) {
  EXPECT_TRUE(says(
      error_of([] { Dataset(at::zeros({3, 2}), {{"y", at::zeros({2})}}); }),
      {"task 'y'", "3 rows", "[2]"}));
}

TEST(Dataset, RefusesATaskThatComesTwice) {
  const at::Tensor y = at::zeros({3});
  EXPECT_TRUE(says(
      error_of([&] { Dataset(at::zeros({3, 2}), {{"y", y}, {"y", y}}); }),
      {"task 'y' comes more than once"}));
}

TEST(Dataset, RefusesToHaveNoTask) {
  EXPECT_TRUE(says(error_of([] { Dataset(at::zeros({3}), {}); }), {"no task"}));
}

TEST(Dataset, RefusesAnInputWithoutRows) {
  EXPECT_TRUE(says(
      error_of([] { Dataset(at::zeros({}), {{"y", at::zeros({1})}}); }),
      {"[n, ...]", "a scalar"}));
  EXPECT_TRUE(says(
      error_of([] { Dataset(at::Tensor(), {{"y", at::zeros({1})}}); }),
      {"undefined"}));
}

TEST(Dataset, RefusesAnUndefinedTarget) {
  EXPECT_TRUE(says(
      error_of([] { Dataset(at::zeros({1}), {{"y", at::Tensor()}}); }),
      {"target of task 'y' is undefined"}));
}

TEST(Dataset, RefusesAScalarTarget) {
  EXPECT_TRUE(says(
      error_of([] { Dataset(at::zeros({1}), {{"y", at::zeros({})}}); }),
      {"task 'y'", "[]"}));
}

TEST(Dataset, RefusesTwoDevices) {
  const at::Tensor elsewhere = at::zeros({1}, at::kMeta);
  EXPECT_TRUE(says(
      error_of([&] { Dataset(at::zeros({1}), {{"y", elsewhere}}); }),
      {"task 'y'", "input is on cpu", "target on meta"}));
}

class DatasetDevice : public ::polytask::testing::EachDevice {};
POLYTASK_ON_EACH_DEVICE(DatasetDevice);

TEST_P(DatasetDevice, MovesAndSelectsThere) {
  const Dataset moved = two_task_data(4).to(device());
  EXPECT_EQ(moved.device().type(), device().type());
  const Dataset some = moved.select(at::tensor({2}, at::kLong));
  EXPECT_EQ(some.target("b").device(), moved.device());
  EXPECT_EQ(some.target("b").item<float>(), 22.f);
}

} // namespace
} // namespace polytask::data
