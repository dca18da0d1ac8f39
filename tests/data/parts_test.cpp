// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/core/labels.h>
#include <polytask/data/split.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <set>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

SplitOptions shares(double validation, double test, uint64_t seed = 3) {
  return SplitOptions().validation(validation).test(test).seed(seed);
}

std::vector<at::Tensor> parts_of(const Split& split) {
  return {split.train, split.validation, split.test};
}

// Each row stands in one part, which is in ascending order.
void expect_parts(const std::vector<at::Tensor>& parts, int64_t rows) {
  EXPECT_TRUE(at::equal(
      std::get<0>(at::sort(at::cat(parts))), at::arange(rows, at::kLong)));
  for (const auto& part : parts) {
    EXPECT_TRUE(at::equal(part, std::get<0>(at::sort(part))));
  }
}

int64_t count_of(const at::Tensor& is, const at::Tensor& part) {
  return is.index_select(0, part).sum().item<int64_t>();
}

// 500 rows of classes 0 to 9, of which class c has the more the larger it is.
at::Tensor uneven_classes() {
  return at::arange(500, at::kLong)
      .mul(7919)
      .remainder(500)
      .sqrt()
      .mul(10)
      .div(std::sqrt(500.))
      .floor()
      .to(at::kLong);
}

TEST(ThreeWaySplit, GivesEachRowToOnePart) {
  const Split split = random_split(100, shares(0.1, 0.2));
  expect_parts(parts_of(split), 100);
  EXPECT_EQ(split.train.size(0), 70);
  EXPECT_EQ(split.validation.size(0), 10);
  EXPECT_EQ(split.test.size(0), 20);
}

TEST(ThreeWaySplit, IsTheTwoWayOneWithoutValidationRows) {
  const Split split = random_split(20, shares(0, 0.25, 0));
  EXPECT_TRUE(at::equal(split.test, random_split(20, 0.25, 0).second));
  EXPECT_TRUE(at::equal(split.train, random_split(20, 0.25, 0).first));
  EXPECT_EQ(split.validation.size(0), 0);
}

TEST(ThreeWaySplit, RefusesSharesThatCannotBe) {
  EXPECT_TRUE(says(
      error_of([] { random_split(10, shares(0.5, 0.5)); }),
      {"random_split", "together below 1, but got 0.5 and 0.5"}));
  EXPECT_TRUE(says(
      error_of([] { random_split(10, shares(-0.1, 0.5)); }), {"at least 0"}));
  EXPECT_TRUE(says(
      error_of([] { random_split(10, shares(0.01, 0.5)); }),
      {"leave no row to validate on"}));
  EXPECT_TRUE(says(
      error_of([] { random_split(1, shares(0.45, 0.5)); }), {"leave no row"}));
  EXPECT_TRUE(
      says(error_of([] { random_split(0, shares(0, 0)); }), {"to train on"}));
}

TEST(StratifiedSplit, KeepsTheShareOfEachClass) {
  const at::Tensor classes = uneven_classes();
  const auto options = shares(0.15, 0.2);
  const auto parts = parts_of(stratified_split(classes, options));
  expect_parts(parts, 500);
  const std::vector<double> wanted = {0.65, 0.15, 0.2};
  for (int64_t c = 0; c < 10; ++c) {
    const at::Tensor is = classes.eq(c);
    const auto rows = static_cast<double>(is.sum().item<int64_t>());
    for (size_t part = 0; part < 3; ++part) {
      const auto count = static_cast<double>(count_of(is, parts[part]));
      EXPECT_LT(std::abs(count - wanted[part] * rows), 1) << c << " " << part;
    }
  }
  for (size_t part = 0; part < 3; ++part) {
    EXPECT_NEAR(
        static_cast<double>(parts[part].size(0)), wanted[part] * 500, 2);
  }
}

TEST(StratifiedSplit, KeepsTheSharesOfManySmallClasses) {
  const at::Tensor classes = at::arange(500, at::kLong).remainder(100);
  const Split split = stratified_split(classes, shares(0.15, 0.15));
  EXPECT_NEAR(static_cast<double>(split.train.size(0)), 350, 2);
  EXPECT_NEAR(static_cast<double>(split.test.size(0)), 75, 2);
}

TEST(StratifiedSplit, DependsOnTheSeed) {
  const at::Tensor classes = uneven_classes();
  const auto test = [&](uint64_t seed) {
    return stratified_split(classes, shares(0.1, 0.2, seed)).test;
  };
  EXPECT_TRUE(at::equal(test(1), test(1)));
  EXPECT_FALSE(at::equal(test(1), test(2)));
}

TEST(StratifiedSplit, KeepsTheSharesOfSeveralTasks) {
  const at::Tensor rows = at::arange(600, at::kLong).mul(7919).remainder(600);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor rare = rows.lt(30).to(at::kDouble).unsqueeze(1);
  const at::Tensor classes =
      at::where(rows.ge(400), Labels::kIgnoreIndex, rows.remainder(3));
  const at::Tensor price =
      rows.mul(0.5).masked_fill(rows.remainder(4).ne(0), nan);
  const Split split = stratified_split(
      {{"rare", rare}, {"class", classes}, {"price", price}}, shares(0.2, 0.2));
  expect_parts(parts_of(split), 600);
  const auto expect_fifth = [&](const at::Tensor& is) {
    const double fifth = is.sum().item<double>() / 5;
    EXPECT_NEAR(static_cast<double>(count_of(is, split.test)), fifth, 2);
    EXPECT_NEAR(static_cast<double>(count_of(is, split.validation)), fifth, 2);
  };
  expect_fifth(rare.eq(1).squeeze(1));
  for (int64_t c = 0; c < 3; ++c) {
    expect_fifth(classes.eq(c));
  }
  expect_fifth(price.eq(price));
  EXPECT_NEAR(static_cast<double>(split.test.size(0)), 120, 3);
}

TEST(StratifiedSplit, RefusesWhatAreNoClasses) {
  EXPECT_TRUE(says(
      error_of([] { stratified_split(at::zeros({3}), shares(0, 0.5)); }),
      {"stratified_split: expected classes of type Long", "Float [3]"}));
  EXPECT_TRUE(says(
      error_of([] { stratified_split(Batch::Targets(), shares(0, 0.5)); }),
      {"expected a task"}));
  EXPECT_TRUE(says(
      error_of([] {
        stratified_split(
            {{"a", at::zeros({3})}, {"b", at::zeros({4})}}, shares(0, 0.5));
      }),
      {"task 'b' has 4 rows, but task 'a' has 3"}));
}

TEST(StratifiedFolds, KeepTheSharesOfEachClass) {
  const at::Tensor classes = uneven_classes();
  const auto parts = stratified_folds(classes, 5, 3);
  expect_parts(parts, 500);
  for (const auto& part : parts) {
    EXPECT_NEAR(static_cast<double>(part.size(0)), 100, 1);
    for (int64_t c = 0; c < 10; ++c) {
      const at::Tensor is = classes.eq(c);
      EXPECT_LT(
          std::abs(
              static_cast<double>(count_of(is, part)) -
              is.sum().item<double>() / 5),
          1);
    }
  }
  EXPECT_TRUE(says(
      error_of([&] { stratified_folds(classes, 1, 0); }),
      {"stratified_folds: expected between 2 folds"}));
}

// Of each class' four rows, in the order of shuffled_rows(12, 5) of
// tests/data/shuffle.py, the third and the fourth.
TEST(StratifiedSplit, IsTheSameOnEveryPlatform) {
  const at::Tensor classes = at::arange(12, at::kLong).remainder(3);
  const Split split = stratified_split(classes, shares(0.25, 0.25, 5));
  EXPECT_TRUE(at::equal(split.validation, at::tensor({1, 2, 9}, at::kLong)));
  EXPECT_TRUE(at::equal(split.test, at::tensor({0, 4, 8}, at::kLong)));
}

// The groups of shuffled_rows(4, 5), one row each, in turn to the part that
// needs most: 3 and 2 to train, 1 to validate, 0 to test.
TEST(GroupSplit, IsTheSameOnEveryPlatform) {
  const at::Tensor groups = at::arange(4, at::kLong);
  const Split split = group_split(groups, shares(0.25, 0.25, 5));
  EXPECT_TRUE(at::equal(split.train, at::tensor({2, 3}, at::kLong)));
  EXPECT_TRUE(at::equal(split.validation, at::tensor({1}, at::kLong)));
  EXPECT_TRUE(at::equal(split.test, at::tensor({0}, at::kLong)));
}

// 60 groups of 1 to 12 rows.
at::Tensor uneven_groups() {
  std::vector<int64_t> groups;
  for (int64_t group = 0; group < 60; ++group) {
    groups.insert(groups.end(), static_cast<size_t>(group % 12 + 1), group * 3);
  }
  return at::tensor(groups, at::kLong);
}

void expect_whole_groups(
    const at::Tensor& groups, const std::vector<at::Tensor>& parts) {
  std::set<int64_t> seen;
  for (const auto& part : parts) {
    std::set<int64_t> here;
    const at::Tensor of_part = groups.index_select(0, part);
    for (int64_t i = 0; i < of_part.numel(); ++i) {
      here.insert(of_part[i].item<int64_t>());
    }
    for (const int64_t group : here) {
      EXPECT_TRUE(seen.insert(group).second) << group;
    }
  }
}

TEST(GroupSplit, KeepsGroupsWhole) {
  const at::Tensor groups = uneven_groups();
  const Split split = group_split(groups, shares(0.2, 0.2));
  expect_parts(parts_of(split), groups.size(0));
  expect_whole_groups(groups, parts_of(split));
  EXPECT_NEAR(static_cast<double>(split.test.size(0)), 78, 12);
  EXPECT_NEAR(static_cast<double>(split.validation.size(0)), 78, 12);
  EXPECT_FALSE(
      at::equal(split.test, group_split(groups, shares(0.2, 0.2, 4)).test));
}

TEST(GroupSplit, LeavesAGroupForEachPart) {
  const at::Tensor groups =
      at::cat({at::zeros({98}, at::kLong), at::tensor({1, 2}, at::kLong)});
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const auto& part :
         parts_of(group_split(groups, shares(0.2, 0.2, seed)))) {
      EXPECT_GT(part.size(0), 0);
    }
  }
}

TEST(GroupSplit, RefusesWhatCannotBe) {
  const at::Tensor two = at::tensor({0, 1, 1}, at::kLong);
  EXPECT_TRUE(says(
      error_of([&] { group_split(two, shares(0.2, 0.2)); }),
      {"group_split: expected a group for each of 3 parts, but got 2"}));
  EXPECT_TRUE(says(
      error_of([&] { group_split(two.sub(1), shares(0, 0.2)); }),
      {"row 0 has -1"}));
  EXPECT_TRUE(says(
      error_of([&] { group_split(two.to(at::kFloat), shares(0, 0.2)); }),
      {"groups of type Long"}));
  EXPECT_TRUE(
      says(error_of([&] { group_folds(two, 3, 0); }), {"each of 3 parts"}));
}

TEST(GroupFolds, AreWholeAndEven) {
  const at::Tensor groups = uneven_groups();
  const auto parts = group_folds(groups, 5, 1);
  expect_parts(parts, groups.size(0));
  expect_whole_groups(groups, parts);
  for (const auto& part : parts) {
    EXPECT_NEAR(static_cast<double>(part.size(0)), 78, 1);
  }
}

std::string rows_file(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "polytask_" + name + ".txt";
  std::ofstream(path) << text;
  return path;
}

TEST(ReadSplit, TakesTheOtherRowsToTrain) {
  const Split split = read_split(
      SplitFiles()
          .test(rows_file("split_test", "3\n1\n"))
          .validation(rows_file("split_validation", "5\n")),
      6);
  EXPECT_TRUE(at::equal(split.train, at::tensor({0, 2, 4}, at::kLong)));
  EXPECT_TRUE(at::equal(split.validation, at::tensor({5}, at::kLong)));
  EXPECT_TRUE(at::equal(split.test, at::tensor({3, 1}, at::kLong)));
}

TEST(ReadSplit, TakesTheRowsOfAFileToTrain) {
  const Split split =
      read_split(SplitFiles().train(rows_file("split_train", "2\n0\n")), 4);
  EXPECT_TRUE(at::equal(split.train, at::tensor({2, 0}, at::kLong)));
  EXPECT_EQ(split.test.size(0), 0);
}

TEST(ReadSplit, RefusesRowsThatCannotBe) {
  const auto train = rows_file("split_first", "0\n1\n");
  EXPECT_TRUE(says(
      error_of([&] { read_split(SplitFiles().train(train).test(train), 4); }),
      {"read_split: " + train, "row 0 comes twice"}));
  EXPECT_TRUE(says(
      error_of([&] { read_split(SplitFiles().train(train), 1); }),
      {"from 0 to 0, but found 1"}));
  EXPECT_TRUE(
      says(error_of([] { read_split(SplitFiles(), 4); }), {"expected a file"}));
  EXPECT_TRUE(says(
      error_of([&] { read_split(SplitFiles().test(train), 2); }),
      {"no row to train on"}));
}

} // namespace
} // namespace polytask::data
