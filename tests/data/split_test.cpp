// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/split.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

at::Tensor rows_of(std::vector<int64_t> rows) {
  return at::tensor(rows, at::kLong);
}

// A file of the given text; the name keeps tests apart.
std::string index_file(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "polytask_" + name + ".txt";
  std::ofstream(path) << text;
  return path;
}

bool covers_once(const std::vector<at::Tensor>& parts, int64_t rows) {
  const at::Tensor all = std::get<0>(at::sort(at::cat(parts)));
  return at::equal(all, at::arange(rows, at::kLong));
}

TEST(ReadIndex, ReadsARowNumberFromEachLine) {
  const auto path = index_file("index", "3\n0\r\n\n 12 \n");
  EXPECT_TRUE(at::equal(read_index(path), rows_of({3, 0, 12})));
}

TEST(ReadIndex, NamesTheLineOfABadNumber) {
  const auto path = index_file("bad_index", "3\n1.5\n");
  EXPECT_TRUE(says(
      error_of([&] { read_index(path); }),
      {"read_index: " + path + ", line 2: ",
       "expected a row number (0, 1, 2, ...), but found '1.5'"}));
}

TEST(ReadIndex, NamesTheLineOfANegativeNumber) {
  const auto path = index_file("negative_index", "\n-1\n");
  EXPECT_TRUE(
      says(error_of([&] { read_index(path); }), {"line 2: ", "found '-1'"}));
}

TEST(ReadIndex, RefusesAnEmptyFile) {
  const auto path = index_file("empty_index", "\n");
  EXPECT_TRUE(
      says(error_of([&] { read_index(path); }), {"holds no row number"}));
}

TEST(ReadIndex, SaysWhyAFileCannotBeOpened) {
  EXPECT_TRUE(says(
      error_of(
          [] { read_index(::testing::TempDir() + "polytask_absent.txt"); }),
      {"read_index: ", "cannot be opened"}));
}

TEST(RandomSplit, GivesEachRowToOnePart) {
  const auto [train, test] = random_split(1000, 0.3, 7);
  EXPECT_EQ(test.size(0), 300);
  EXPECT_TRUE(covers_once({train, test}, 1000));
}

TEST(RandomSplit, OrdersEachPart) {
  const auto [train, test] = random_split(100, 0.3, 7);
  EXPECT_TRUE(at::equal(train, std::get<0>(at::sort(train))));
  EXPECT_TRUE(at::equal(test, std::get<0>(at::sort(test))));
}

TEST(RandomSplit, RoundsTheTestPart) {
  EXPECT_EQ(random_split(9125, 0.3, 0).second.size(0), 2738);
}

// Computed by tests/data/shuffle.py, which follows the C++ standard.
TEST(RandomSplit, IsTheSameOnEveryPlatform) {
  EXPECT_TRUE(
      at::equal(random_split(20, 0.25, 0).second, rows_of({0, 5, 12, 17, 18})));
  EXPECT_TRUE(at::equal(
      random_split(20, 0.25, 1ULL << 40).second, rows_of({2, 8, 9, 10, 16})));
}

TEST(RandomSplit, DependsOnTheSeed) {
  EXPECT_TRUE(at::equal(
      random_split(100, 0.3, 7).second, random_split(100, 0.3, 7).second));
  EXPECT_FALSE(at::equal(
      random_split(100, 0.3, 7).second, random_split(100, 0.3, 8).second));
}

TEST(RandomSplit, DrawsEveryRowEquallyOften) {
  std::vector<int64_t> drawn(5, 0);
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    const auto test = random_split(5, 0.2, seed).second;
    ++drawn[static_cast<size_t>(test.item<int64_t>())];
  }
  // 1000 each; five standard deviations of the binomial count are 141.
  const auto [least, most] = std::minmax_element(drawn.begin(), drawn.end());
  EXPECT_GT(*least, 1000 - 141);
  EXPECT_LT(*most, 1000 + 141);
}

TEST(RandomSplit, RefusesAFractionOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { random_split(10, 1.0, 0); }),
      {"test fraction between 0 and 1, but got 1"}));
  EXPECT_TRUE(says(
      error_of([] { random_split(10, 0.0, 0); }),
      {"test fraction between 0 and 1, but got 0"}));
}

TEST(RandomSplit, RefusesAnEmptyPart) {
  EXPECT_TRUE(says(
      error_of([] { random_split(10, 0.01, 0); }),
      {"0.01 of 10 rows leaves no row to test on"}));
  EXPECT_TRUE(says(
      error_of([] { random_split(10, 0.99, 0); }),
      {"0.99 of 10 rows leaves no row to train on"}));
  EXPECT_TRUE(says(error_of([] { random_split(0, 0.5, 0); }), {"of 0 rows"}));
}

TEST(Complement, GivesTheOtherRowsInOrder) {
  EXPECT_TRUE(
      at::equal(complement(rows_of({4, 1, 4}), 6), rows_of({0, 2, 3, 5})));
}

TEST(Complement, OfNothingIsEveryRow) {
  EXPECT_TRUE(at::equal(complement(rows_of({}), 3), rows_of({0, 1, 2})));
}

TEST(Complement, OfEveryRowIsNothing) {
  EXPECT_EQ(complement(rows_of({0, 1}), 2).size(0), 0);
}

TEST(Complement, RefusesARowOutOfRange) {
  EXPECT_TRUE(says(
      error_of([] { complement(rows_of({0, 5}), 5); }),
      {"complement: expected row numbers from 0 to 4, but found 5"}));
  EXPECT_TRUE(
      says(error_of([] { complement(rows_of({-2}), 5); }), {"found -2"}));
}

TEST(Complement, RefusesANegativeNumberOfRows) {
  EXPECT_TRUE(
      says(error_of([] { complement(rows_of({}), -1); }), {"rows >= 0"}));
}

TEST(Folds, GiveEachRowToOneTestPart) {
  const auto parts = folds(23, 5, 3);
  EXPECT_EQ(parts.size(), 5);
  EXPECT_TRUE(covers_once(parts, 23));
}

TEST(Folds, DifferByOneRowAtMost) {
  std::vector<int64_t> sizes;
  for (const auto& part : folds(23, 5, 3)) {
    sizes.push_back(part.size(0));
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{5, 5, 5, 4, 4}));
}

TEST(Folds, OrderEachPart) {
  const at::Tensor part = folds(100, 2, 3)[1];
  EXPECT_TRUE(at::equal(part, std::get<0>(at::sort(part))));
}

TEST(Folds, DependOnTheSeed) {
  EXPECT_TRUE(at::equal(folds(50, 5, 3)[0], folds(50, 5, 3)[0]));
  EXPECT_FALSE(at::equal(folds(50, 5, 3)[0], folds(50, 5, 4)[0]));
}

TEST(Folds, RefuseANumberOfFoldsOutOfRange) {
  EXPECT_TRUE(says(error_of([] { folds(10, 1, 0); }), {"but got 1"}));
  EXPECT_TRUE(says(
      error_of([] { folds(3, 4, 0); }), {"each of the 3 rows", "but got 4"}));
}

} // namespace
} // namespace polytask::data
