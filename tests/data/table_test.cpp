// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/table.h>

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using Names = std::vector<std::string>;

Table three_columns() {
  return Table(
      {"a", "b", "y"}, at::tensor({1., 2., 3., 4., 5.5, 6.}).view({2, 3}));
}

TEST(Table, KeepsNamesAndRows) {
  const Table table = three_columns();
  EXPECT_EQ(table.columns(), (Names{"a", "b", "y"}));
  EXPECT_EQ(table.rows(), 2);
}

TEST(Table, GivesNamedColumnsInTheAskedOrder) {
  const at::Tensor values = three_columns().values({"y", "a"});
  EXPECT_EQ(values.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(values, at::tensor({3.f, 1.f, 6.f, 4.f}).view({2, 2})));
}

TEST(Table, GivesAllColumnsInDoublePrecision) {
  const at::Tensor values = three_columns().values();
  EXPECT_EQ(values.scalar_type(), at::kDouble);
  EXPECT_EQ(values.sizes(), (std::vector<int64_t>{2, 3}));
}

TEST(Table, TakesValuesOfAnyType) {
  const Table table({"a"}, at::tensor({7, 8}, at::kInt).view({2, 1}));
  EXPECT_TRUE(at::equal(table.values(), at::tensor({7., 8.}).view({2, 1})));
}

TEST(Table, GivesClassIndicesAsIntegers) {
  const at::Tensor classes = three_columns().values({"y"}, at::kLong);
  EXPECT_TRUE(at::equal(classes, at::tensor({3, 6}, at::kLong).view({2, 1})));
}

TEST(Table, RefusesAFractionAsAnInteger) {
  EXPECT_TRUE(says(
      error_of([] { three_columns().values({"a", "b"}, at::kLong); }),
      {"column 'b'", "Long", "row 1 holds 5.5"}));
}

TEST(Table, RefusesAMissingValueAsAnInteger) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Table table({"a"}, at::tensor({1., nan}).view({2, 1}));
  EXPECT_TRUE(says(
      error_of([&] { table.values({"a"}, at::kLong); }),
      {"column 'a'", "row 1 holds nan"}));
}

TEST(Table, ListsTheColumnsBesideAnUnknownOne) {
  EXPECT_TRUE(says(
      error_of([] { three_columns().values({"z"}); }),
      {"no column 'z'", "it has 'a', 'b', 'y'"}));
}

TEST(Table, NamesTheNearestOfManyColumns) {
  Names names;
  for (int i = 0; i < 30; ++i) {
    names.push_back("input_" + std::to_string(i));
  }
  names.push_back("heating");
  const Table table(names, at::zeros({1, 31}));
  const std::string message = error_of([&] { table.values({"heatin"}); });
  EXPECT_TRUE(says(
      message,
      {"no column 'heatin'", "nearest of its 31 columns are 'heating', "}));
  EXPECT_FALSE(says(message, {"input_29"}));
}

TEST(Table, NamesTheOtherColumnsInOrder) {
  EXPECT_EQ(three_columns().columns_except({"b"}), (Names{"a", "y"}));
}

TEST(Table, RefusesToLeaveOutAnUnknownColumn) {
  EXPECT_TRUE(says(
      error_of([] { three_columns().columns_except({"c"}); }),
      {"no column 'c'"}));
}

TEST(Table, TakesRowsInTheOrderOfTheIndex) {
  const Table rows = three_columns().rows_at(at::tensor({1, 0, 1}, at::kLong));
  EXPECT_EQ(rows.columns(), (Names{"a", "b", "y"}));
  EXPECT_TRUE(
      at::equal(rows.values({"a"}), at::tensor({4.f, 1.f, 4.f}).view({3, 1})));
}

TEST(Table, TakesNoRows) {
  EXPECT_EQ(three_columns().rows_at(at::zeros({0}, at::kLong)).rows(), 0);
}

TEST(Table, RefusesARowOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { three_columns().rows_at(at::tensor({0, 2}, at::kLong)); }),
      {"row numbers from 0 to 1, but found 2"}));
}

TEST(Table, RefusesANegativeRow) {
  EXPECT_TRUE(says(
      error_of([] { three_columns().rows_at(at::tensor({-1, 1}, at::kLong)); }),
      {"row numbers from 0 to 1, but found -1"}));
}

TEST(Table, RefusesAnIndexOfAnotherType) {
  EXPECT_TRUE(says(
      error_of([] { three_columns().rows_at(at::tensor({0.f})); }),
      {"Long", "Float [1]"}));
}

TEST(Table, RefusesAnUndefinedIndex) {
  EXPECT_TRUE(
      says(error_of([] { three_columns().rows_at({}); }), {"undefined"}));
}

TEST(Table, RefusesAColumnThatComesTwice) {
  EXPECT_TRUE(says(
      error_of([] { Table({"a", "b", "a"}, at::zeros({1, 3})); }),
      {"column 'a' comes more than once"}));
}

TEST(Table, RefusesTooFewNames) {
  EXPECT_TRUE(says(
      error_of([] { Table({"a"}, at::zeros({1, 3})); }),
      {"a name for each of the 3 columns, but got 1"}));
}

TEST(Table, RefusesValuesThatAreNoMatrix) {
  EXPECT_TRUE(says(
      error_of([] { Table({"a"}, at::zeros({3})); }),
      {"[rows, columns]", "[3]"}));
  EXPECT_TRUE(
      says(error_of([] { Table({"a"}, at::Tensor()); }), {"undefined"}));
}

} // namespace
} // namespace polytask::data
