// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/data/table.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using Names = std::vector<std::string>;

at::Tensor codes_of(std::vector<int64_t> codes) {
  return at::tensor(codes, at::kLong);
}

// x 1, 2, 3; town Ulm, missing, Bonn; y 4, 5, 6.
Table with_towns() {
  return Table(
      {"x", "town", "y"},
      at::tensor({1., 4., 2., 5., 3., 6.}).view({3, 2}),
      {{"town", {codes_of({1, -1, 0}), {"Bonn", "Ulm"}}}});
}

TEST(TableCategories, StandAmongTheNumbers) {
  const Table table = with_towns();
  EXPECT_EQ(table.columns(), (Names{"x", "town", "y"}));
  EXPECT_EQ(table.number_columns(), (Names{"x", "y"}));
  EXPECT_EQ(table.category_columns(), (Names{"town"}));
  EXPECT_EQ(table.rows(), 3);
  EXPECT_EQ(table.position("y"), 2);
  EXPECT_TRUE(table.has_categories("town"));
  EXPECT_FALSE(table.has_categories("y"));
  EXPECT_TRUE(at::equal(
      table.values({"y", "x"}),
      at::tensor({4.f, 1.f, 5.f, 2.f, 6.f, 3.f}).view({3, 2})));
}

TEST(TableCategories, AreCodesAndAVocabulary) {
  const Categories town = with_towns().category("town");
  EXPECT_EQ(town.codes.scalar_type(), at::kLong);
  EXPECT_TRUE(at::equal(town.codes, codes_of({1, -1, 0})));
  EXPECT_EQ(town.vocabulary, (Names{"Bonn", "Ulm"}));
}

TEST(TableCategories, MayBeAllThatThereIs) {
  const Table table(
      {"town"},
      at::zeros({2, 0}),
      {{"town", {at::tensor({0, 0}, at::kInt), {"Ulm"}}}});
  EXPECT_EQ(table.rows(), 2);
  EXPECT_TRUE(table.number_columns().empty());
}

TEST(TableCategories, KeepTheirVocabularyInARowsTable) {
  const Table rows = with_towns().rows_at(codes_of({2, 2}));
  EXPECT_TRUE(at::equal(rows.category("town").codes, codes_of({0, 0})));
  EXPECT_EQ(rows.category("town").vocabulary, (Names{"Bonn", "Ulm"}));
  EXPECT_EQ(rows.columns(), (Names{"x", "town", "y"}));
}

TEST(TableCategories, AreRefusedAsNumbers) {
  EXPECT_TRUE(says(
      error_of([] { with_towns().values({"x", "town"}); }),
      {"column 'town' holds categories, not numbers",
       "category('town')",
       "one_hot or ids"}));
  EXPECT_TRUE(says(
      error_of([] { static_cast<void>(with_towns().values()); }),
      {"column 'town' holds categories", "number_columns()"}));
}

TEST(TableCategories, NumbersAreRefusedAsThem) {
  EXPECT_TRUE(says(
      error_of([] { with_towns().category("x"); }),
      {"column 'x' holds numbers", "CsvOptions().categories({'x'})"}));
  EXPECT_TRUE(says(
      error_of([] { with_towns().category("twn"); }), {"no column 'twn'"}));
}

std::string refused_categories(NamedCategories categories) {
  return error_of(
      [&] { Table({"x", "town"}, at::zeros({2, 1}), std::move(categories)); });
}

TEST(TableCategories, RefusesCodesThatCannotBe) {
  EXPECT_TRUE(says(
      refused_categories({{"town", {codes_of({0, 1}), {"Ulm"}}}}),
      {"column 'town'", "from -1 (missing) to 0, but found 1"}));
  EXPECT_TRUE(says(
      refused_categories({{"town", {codes_of({0, -2}), {"Ulm"}}}}),
      {"found -2"}));
  EXPECT_TRUE(says(
      refused_categories({{"town", {codes_of({0}), {"Ulm"}}}}),
      {"shape [2]", "Long [1]"}));
  EXPECT_TRUE(says(
      refused_categories({{"town", {at::zeros({2}), {"Ulm"}}}}),
      {"Long or Int", "Float [2]"}));
  EXPECT_TRUE(
      says(refused_categories({{"town", {{}, {"Ulm"}}}}), {"undefined"}));
}

TEST(TableCategories, RefusesAVocabularyOrNamesThatAreNotOne) {
  EXPECT_TRUE(says(
      refused_categories({{"town", {codes_of({0, 1}), {"Ulm", "Ulm"}}}}),
      {"column 'town'", "holds 'Ulm' twice"}));
  EXPECT_TRUE(says(
      refused_categories({{"city", {codes_of({0, 0}), {"Ulm"}}}}),
      {"those of 'city' have no name"}));
  EXPECT_TRUE(says(refused_categories({}), {"each of the 1 columns"}));
}

} // namespace
} // namespace polytask::data
