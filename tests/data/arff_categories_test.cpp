// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/data/arff.h>

#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using Names = std::vector<std::string>;

Table weather(
    const ArffOptions& options, const std::string& classes = "no,yes") {
  std::istringstream stream(
      "@attribute x real\n@attribute sky {sunny, 'all grey', rain}\n"
      "@attribute play {" +
      classes + "}\n@data\n1,rain,yes\n2,?,no\n{0 3, 1 'all grey'}\n");
  return parse_arff(stream, "weather.arff", options);
}

TEST(ArffCategories, KeepTheDeclaredVocabulary) {
  const Table table = weather(ArffOptions().nominal_categories(true));
  EXPECT_EQ(table.columns(), (Names{"x", "sky", "play"}));
  EXPECT_EQ(table.number_columns(), (Names{"x"}));
  EXPECT_EQ(
      table.category("sky").vocabulary, (Names{"sunny", "all grey", "rain"}));
  EXPECT_TRUE(at::equal(
      table.category("sky").codes, at::tensor({2, -1, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(
      table.category("play").codes, at::tensor({1, 0, 0}, at::kLong)));
}

TEST(ArffCategories, AreNumbersWhereNotAskedFor) {
  EXPECT_TRUE(weather({}).category_columns().empty());
}

TEST(ArffCategories, RefuseAClassThatIsDeclaredTwice) {
  EXPECT_TRUE(says(
      error_of(
          [] { weather(ArffOptions().nominal_categories(true), "no,yes,no"); }),
      {"ARFF: weather.arff: ", "column 'play'", "'no' twice"}));
}

TEST(ArffRename, GivesAttributesOtherNames) {
  const Table table =
      weather(ArffOptions().columns({"x", "play"}).rename({{"play", "y"}}));
  EXPECT_EQ(table.columns(), (Names{"x", "y"}));
  EXPECT_TRUE(says(
      error_of([] { weather(ArffOptions().rename({{"z", "y"}})); }),
      {"ARFF: weather.arff: ", "no column 'z'"}));
}

} // namespace
} // namespace polytask::data
