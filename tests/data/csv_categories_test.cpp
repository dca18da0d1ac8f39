// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/csv.h>

#include <ATen/ops/equal.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <streambuf>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using Names = std::vector<std::string>;

const char* const kPeople =
    "age, workclass, sex, income\n"
    "39, State-gov, Male, <=50K\n"
    "50, ?, Female, <=50K\n"
    "?, Private, \"Male\", >50K\n";

Table people(const CsvOptions& options, const std::string& text = kPeople) {
  std::istringstream stream(text);
  return parse_csv(stream, "people.csv", options);
}

std::vector<int64_t> codes_in(const Table& table, const std::string& column) {
  const at::Tensor codes = table.category(column).codes;
  const auto* const code = codes.const_data_ptr<int64_t>();
  return {code, code + codes.numel()};
}

TEST(CsvCategories, AreReadFromTheColumnsThatAreNamed) {
  const Table table =
      people(CsvOptions().categories({"sex", "workclass"}).without({"income"}));
  EXPECT_EQ(table.columns(), (Names{"age", "workclass", "sex"}));
  EXPECT_EQ(table.category("sex").vocabulary, (Names{"Female", "Male"}));
  EXPECT_EQ(codes_in(table, "sex"), (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(codes_in(table, "workclass"), (std::vector<int64_t>{1, -1, 0}));
  EXPECT_TRUE(at::isnan(table.values({"age"}))[2].item<bool>());
}

TEST(CsvCategories, TakeAQuestionMarkForOneWhenAsked) {
  const Table table =
      people(CsvOptions().infer_categories(true).missing_categories({""}));
  EXPECT_EQ(
      table.category("workclass").vocabulary,
      (Names{"?", "Private", "State-gov"}));
  EXPECT_TRUE(at::isnan(table.values({"age"}))[2].item<bool>());
}

TEST(CsvCategories, AreFoundWhereThereIsText) {
  const Table table = people(CsvOptions().infer_categories(true));
  EXPECT_EQ(table.number_columns(), (Names{"age"}));
  EXPECT_EQ(table.category_columns(), (Names{"workclass", "sex", "income"}));
  EXPECT_EQ(table.category("income").vocabulary, (Names{"<=50K", ">50K"}));
}

// Text that comes thousands of rows after the numbers of its column, and some
// that comes later still.
std::string late_text() {
  std::string text = "a,b,c\n";
  for (int64_t row = 0; row < 20000; ++row) {
    text += std::to_string(row % 10) + (row == 4000 ? "x" : "") + ",0" +
        std::to_string(row % 3) + (row == 19000 ? "!" : "") + "," +
        std::to_string(row) + "\n";
  }
  return text;
}

void expect_late_text(const Table& table) {
  ASSERT_EQ(table.category_columns(), (Names{"a", "b"}));
  EXPECT_EQ(table.rows(), 20000);
  EXPECT_EQ(
      table.category("a").vocabulary,
      (Names{"0", "0x", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(table.category("b").vocabulary, (Names{"00", "01", "01!", "02"}));
  EXPECT_EQ(codes_in(table, "a")[4000], 1);
  EXPECT_EQ(table.values({"c"}).sum(at::kDouble).item<double>(), 199990000.);
}

TEST(CsvCategories, AreFoundWhereTheTextComesLate) {
  expect_late_text(people(CsvOptions().infer_categories(true), late_text()));
  const std::string path = ::testing::TempDir() + "polytask_late.csv";
  std::ofstream(path) << late_text();
  expect_late_text(read_csv(path, CsvOptions().infer_categories(true)));
}

// A text that can be read once.
class OnceOnly : public std::streambuf {
 public:
  explicit OnceOnly(std::string text) : text_(std::move(text)) {
    setg(text_.data(), text_.data(), text_.data() + text_.size());
  }

 private:
  std::string text_;
};

TEST(CsvCategories, AreFoundInAStreamThatCannotGoBack) {
  OnceOnly buffer(late_text());
  std::istream stream(&buffer);
  expect_late_text(
      parse_csv(stream, "once", CsvOptions().infer_categories(true)));
}

TEST(CsvCategories, AreOrderedByTheirBytes) {
  const Table table = people(
      CsvOptions().categories({"a"}),
      "a\nb\nB\n\xC3\xA4\n10\n9\n\"x,\"\"y\"\"\"\n");
  EXPECT_EQ(
      table.category("a").vocabulary,
      (Names{"10", "9", "B", "b", "x,\"y\"", "\xC3\xA4"}));
}

TEST(CsvCategories, MayBeMany) {
  std::string text = "id\n";
  for (int64_t row = 0; row < 5000; ++row) {
    text += "n" + std::to_string((row * 7919) % 5000) + "\n";
  }
  const Categories ids =
      people(CsvOptions().categories({"id"}), text).category("id");
  ASSERT_EQ(ids.vocabulary.size(), 5000);
  EXPECT_TRUE(std::is_sorted(ids.vocabulary.begin(), ids.vocabulary.end()));
  const auto* const code = ids.codes.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < 5000; ++row) {
    EXPECT_EQ(
        ids.vocabulary[static_cast<size_t>(code[row])],
        "n" + std::to_string((row * 7919) % 5000));
  }
}

TEST(CsvCategories, AreNamedInTheErrorAboutText) {
  EXPECT_TRUE(says(
      error_of([] { people(CsvOptions().categories({"sex"})); }),
      {"line 2: column 'workclass': expected a number, but found 'State-gov'",
       "in this row are 'workclass', 'income'",
       ".categories(...)",
       ".infer_categories(true)"}));
  EXPECT_TRUE(says(
      error_of([] { people(CsvOptions().categories({"sexx"})); }),
      {"CSV: people.csv: ", "no column 'sexx'"}));
}

TEST(CsvCategories, LeaveOtherErrorsAsTheyAre) {
  const auto options = CsvOptions().infer_categories(true);
  EXPECT_TRUE(says(
      error_of([&] { people(options, "a,b\nx,1\ny\n"); }),
      {"line 3: expected 2 cells, but found 1"}));
  EXPECT_TRUE(says(error_of([&] { people(options, ""); }), {"it is empty"}));
  EXPECT_TRUE(
      says(error_of([&] { people(options, "a,b\n"); }), {"has no rows"}));
}

TEST(CsvRename, GivesColumnsOtherNames) {
  const Table table =
      people(CsvOptions()
                 .columns({"age", "income"})
                 .categories({"income"})
                 .rename({{"income", "rich"}, {"sex", "gender"}}));
  EXPECT_EQ(table.columns(), (Names{"age", "rich"}));
  EXPECT_EQ(table.category("rich").vocabulary, (Names{"<=50K", ">50K"}));
}

TEST(CsvRename, NamesColumnsWithoutAHeader) {
  EXPECT_EQ(
      people(CsvOptions().header(false).rename({{"c1", "y"}}), "1,2\n3,4\n")
          .columns(),
      (Names{"c0", "y"}));
}

TEST(CsvRename, RefusesANameThatIsNotThereOrTaken) {
  EXPECT_TRUE(says(
      error_of([] {
        people(CsvOptions().infer_categories(true).rename({{"agee", "x"}}));
      }),
      {"CSV: people.csv: ", "no column 'agee'"}));
  EXPECT_TRUE(says(
      error_of([] {
        people(CsvOptions().infer_categories(true).rename({{"age", "sex"}}));
      }),
      {"CSV: people.csv: ", "'sex' comes more than once"}));
}

} // namespace
} // namespace polytask::data
