// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/csv.h>

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using Names = std::vector<std::string>;

Table csv_of(const std::string& text, const CsvOptions& options = {}) {
  std::istringstream stream(text);
  return parse_csv(stream, "some.csv", options);
}

// The values in one row after another.
at::Tensor csv_values(const std::string& text, const CsvOptions& options = {}) {
  return csv_of(text, options).values().flatten();
}

std::string csv_error(const std::string& text, const CsvOptions& options = {}) {
  return error_of([&] { csv_of(text, options); });
}

TEST(ParseCsv, ReadsNamesAndRows) {
  const Table table = csv_of("a,b\n1,2\n3,4.5\n");
  EXPECT_EQ(table.columns(), (Names{"a", "b"}));
  EXPECT_TRUE(
      at::equal(table.values(), at::tensor({1., 2., 3., 4.5}).view({2, 2})));
}

TEST(ParseCsv, NumbersTheColumnsWithoutAHeader) {
  const Table table = csv_of("1,2\n3,4\n", CsvOptions().header(false));
  EXPECT_EQ(table.columns(), (Names{"c0", "c1"}));
  EXPECT_EQ(table.rows(), 2);
}

TEST(ParseCsv, TakesAnotherDelimiter) {
  const Table table = csv_of("a;b\n1;2\n", CsvOptions().delimiter(';'));
  EXPECT_EQ(table.columns(), (Names{"a", "b"}));
}

TEST(ParseCsv, TakesTabsWithMissingCells) {
  const auto values =
      csv_values("a\tb\tc\n1\t\t 3\n", CsvOptions().delimiter('\t'));
  EXPECT_TRUE(at::allclose(
      values,
      at::tensor({1., std::numeric_limits<double>::quiet_NaN(), 3.}),
      0,
      0,
      true));
}

TEST(ParseCsv, ReadsTheUsualMarkersAsMissing) {
  const at::Tensor values = csv_values(
      "a,b,c,d,e,f,g,h,i,j\n,?,NaN,-nan,NA,\"\",null,N/A,#N/A,none\n");
  EXPECT_TRUE(at::isnan(values).all().item<bool>());
}

TEST(ParseCsv, TakesOtherMarkersForMissing) {
  const auto options = CsvOptions().missing({"-999", "none"});
  const at::Tensor values = csv_values("a,b,c\n-999,None,1\n", options);
  EXPECT_EQ(at::isnan(values).sum().item<int64_t>(), 2);
}

TEST(ParseCsv, RefusesNanWhereItIsNoMarker) {
  EXPECT_TRUE(
      says(csv_error("a\nnan\n", CsvOptions().missing({"?"})), {"'nan'"}));
}

TEST(ParseCsv, ReadsEveryWayToWriteANumber) {
  const double inf = std::numeric_limits<double>::infinity();
  const at::Tensor values =
      csv_values("a,b,c,d,e,f,g\n+1,-2.5,1e3,1.5E-2,inf,-Infinity,.5\n");
  EXPECT_TRUE(
      at::equal(values, at::tensor({1., -2.5, 1e3, 1.5e-2, inf, -inf, 0.5})));
}

TEST(ParseCsv, ReadsNumbersExactly) {
  const at::Tensor values = csv_values("a,b\n0.1,1.7991419999999998\n");
  EXPECT_EQ(values[0].item<double>(), 0.1);
  EXPECT_EQ(values[1].item<double>(), 1.7991419999999998);
}

TEST(ParseCsv, SkipsBlanksAroundCells) {
  const Table table = csv_of(" a , \"b\" \n 1 ,\t2 \n");
  EXPECT_EQ(table.columns(), (Names{"a", "b"}));
  EXPECT_TRUE(at::equal(table.values().flatten(), at::tensor({1., 2.})));
}

TEST(ParseCsv, SkipsBlankLines) {
  EXPECT_EQ(csv_of("\na,b\n\n1,2\n  \n3,4\n\n").rows(), 2);
}

TEST(ParseCsv, NeedsNoLineEndAfterTheLastRow) {
  EXPECT_EQ(csv_of("a,b\n1,2").rows(), 1);
}

TEST(ParseCsv, ReadsCarriageReturnsAndAByteOrderMark) {
  const Table table = csv_of(
      "\xEF\xBB\xBF"
      "a,b\r\n1,2\r\n");
  EXPECT_EQ(table.columns(), (Names{"a", "b"}));
  EXPECT_TRUE(at::equal(table.values().flatten(), at::tensor({1., 2.})));
}

class ParseCsvLineEnds : public ::testing::TestWithParam<const char*> {};

// Names, a blank line and three rows, one of them with a line end in quotes.
TEST_P(ParseCsvLineEnds, ReadsThemWithAndWithoutALastOne) {
  const std::string end = GetParam();
  const std::string text =
      "\"a" + end + "x\",b" + end + end + "1,2" + end + "3," + end + "5,6";
  for (const auto& whole : {text, text + end, text + end + end}) {
    const Table table = csv_of("\xEF\xBB\xBF" + whole);
    EXPECT_EQ(table.columns(), (Names{"a\nx", "b"}));
    EXPECT_TRUE(at::allclose(
        table.values().flatten(),
        at::tensor(
            {1., 2., 3., std::numeric_limits<double>::quiet_NaN(), 5., 6.}),
        0,
        0,
        true));
  }
  EXPECT_TRUE(says(csv_error(text + end + "7,x"), {"line 7: ", "column 'b'"}));
}

INSTANTIATE_TEST_SUITE_P(
    Ends, ParseCsvLineEnds, ::testing::Values("\n", "\r\n", "\r"));

TEST(ParseCsv, ReadsEveryLineEndInOneFile) {
  EXPECT_TRUE(at::equal(
      csv_values("a\r\n1\r2\n\r3\r\n\n4\r"), at::tensor({1., 2., 3., 4.})));
  EXPECT_TRUE(says(csv_error("a\r1\r\n2\nx\r"), {"line 4: "}));
}

// Whatever stands at the end of a block: a line end's halves, a quote, a
// number.
TEST(ParseCsv, ReadsAFileOfManyBlocks) {
  std::string text = "a,b\r\n";
  constexpr int64_t kRows = 40000;
  for (int64_t row = 0; row < kRows; ++row) {
    text += std::to_string(row) + ",\"" + std::to_string(-row) + "\"" +
        (row % 3 == 0 ? "\r" : "\r\n");
  }
  const at::Tensor values = csv_of(text).values();
  const at::Tensor numbers = at::arange(kRows, at::kDouble);
  EXPECT_TRUE(at::equal(values, at::stack({numbers, -numbers}, 1)));
}

TEST(ParseCsv, SaysThatAFileIsUtf16) {
  EXPECT_TRUE(says(
      csv_error(std::string(
          "\xFF\xFE"
          "a\0\n\0",
          6)),
      {"some.csv: ", "UTF-16", "UTF-8"}));
}

const char* const kCities = "city,x,day,y\nUlm,1,2020-01-01,2\n?,3,,4\n";

TEST(ParseCsv, NamesEveryTextColumnOfARow) {
  EXPECT_TRUE(says(
      csv_error(kCities),
      {"line 2: column 'city': expected a number, but found 'Ulm'",
       "'city', 'day'",
       "without"}));
}

TEST(ParseCsv, LeavesTextColumnsOutWhenAsked) {
  const Table table = csv_of(kCities, CsvOptions().without({"day", "city"}));
  EXPECT_EQ(table.columns(), (Names{"x", "y"}));
  EXPECT_TRUE(
      at::equal(table.values().flatten(), at::tensor({1., 2., 3., 4.})));
}

TEST(ParseCsv, ReadsTheColumnsThatAreNamed) {
  EXPECT_EQ(
      csv_of(kCities, CsvOptions().columns({"y", "x"})).columns(),
      (Names{"x", "y"}));
  EXPECT_EQ(
      csv_of(kCities, CsvOptions().columns({"y", "x"}).without({"x"}))
          .columns(),
      (Names{"y"}));
  EXPECT_EQ(
      csv_of(
          "a;1,5\nb;2\n",
          CsvOptions().header(false).delimiter(';').decimal(',').columns(
              {"c1"}))
          .columns(),
      (Names{"c1"}));
}

TEST(ParseCsv, NamesAColumnOfTheOptionsThatIsNotThere) {
  EXPECT_TRUE(says(
      csv_error(kCities, CsvOptions().without({"town"})),
      {"CSV: some.csv: ", "no column 'town'", "'city', 'x', 'day', 'y'"}));
  EXPECT_TRUE(
      says(csv_error(kCities, CsvOptions().columns({"z"})), {"no column 'z'"}));
  EXPECT_TRUE(says(
      csv_error("a\n1\n", CsvOptions().without({"a"})),
      {"leave no column to read"}));
}

TEST(ParseCsv, ReadsCommasAsDecimalPoints) {
  const auto options = CsvOptions().delimiter(';').decimal(',');
  EXPECT_TRUE(at::equal(
      csv_values("a;b;c\n1,5;-2,25e1;3\n", options),
      at::tensor({1.5, -22.5, 3.})));
  EXPECT_TRUE(says(csv_error("a\n1.5\n", options), {"found '1.5'"}));
  EXPECT_TRUE(says(csv_error("a\n1,5,0\n", options), {"found '1,5,0'"}));
  EXPECT_TRUE(says(
      csv_error("a\n1\n", CsvOptions().decimal(',')),
      {"another delimiter", "decimal ','"}));
  EXPECT_TRUE(
      says(csv_error("a\n1\n", CsvOptions().decimal('x')), {"decimal 'x'"}));
}

TEST(ParseCsv, SuggestsTheDelimiterOfAFileWithAnother) {
  EXPECT_TRUE(says(
      csv_error("a;b\n1,5;2,5\n"),
      {"line 2: expected 1 cells, but found 3", "';'", "delimiter"}));
}

TEST(ParseCsv, TakesWhatIsTooSmallForADoubleAsZero) {
  EXPECT_TRUE(at::equal(
      csv_values("a,b,c\n1e-400,-1e-999,1e-310\n"),
      at::tensor({0., -0., 1e-310})));
}

TEST(ParseCsv, ReadsQuotedNames) {
  const Table table =
      csv_of("\"x, y\",\"say \"\"hi\"\"\",\"two\nlines\",\"\"\n1,2,3,4\n");
  EXPECT_EQ(table.columns(), (Names{"x, y", "say \"hi\"", "two\nlines", ""}));
}

TEST(ParseCsv, ReadsQuotedNumbers) {
  EXPECT_TRUE(at::equal(csv_values("a,b\n\"1.5\",2\n"), at::tensor({1.5, 2.})));
}

TEST(ParseCsv, TakesAQuoteInsideACellAsItStands) {
  EXPECT_EQ(csv_of("5\" pipe,b\n1,2\n").columns(), (Names{"5\" pipe", "b"}));
}

TEST(ParseCsv, NamesLineColumnAndTextOfABadCell) {
  EXPECT_TRUE(says(
      csv_error("a,b\n1,2\n3,high\n"),
      {"CSV: some.csv, line 3: ",
       "column 'b'",
       "expected a number, but found 'high'"}));
}

TEST(ParseCsv, CountsLinesInsideQuotes) {
  EXPECT_TRUE(says(csv_error("\"a\nb\"\n\nx\n"), {"line 4: "}));
}

TEST(ParseCsv, ShortensALongCell) {
  EXPECT_TRUE(says(
      csv_error("a\n" + std::string(500, 'x') + "\n"),
      {"found '" + std::string(40, 'x') + "...'"}));
}

class ParseCsvNumber : public ::testing::TestWithParam<const char*> {};

TEST_P(ParseCsvNumber, IsRefused) {
  EXPECT_TRUE(says(
      csv_error(std::string("a\n") + GetParam() + "\n"),
      {std::string("expected a number, but found '") + GetParam()}));
}

INSTANTIATE_TEST_SUITE_P(
    Bad,
    ParseCsvNumber,
    ::testing::Values(
        "1.2.3", "0x10", "1 2", "+-1", "+", "1e", "1e999", "nan(1)", "12abc"));

TEST(ParseCsv, NamesTheLineOfAShortRow) {
  EXPECT_TRUE(says(
      csv_error("a,b,c\n1,2,3\n4,5\n"),
      {"line 3: expected 3 cells, but found 2"}));
}

TEST(ParseCsv, NamesTheLineOfALongRow) {
  EXPECT_TRUE(says(
      csv_error("1,2\n3,x,5\n", CsvOptions().header(false)),
      {"line 2: expected 2 cells, but found 3"}));
}

TEST(ParseCsv, NamesTheLineOfAnOpenQuote) {
  EXPECT_TRUE(says(
      csv_error("a,b\n1,\"2\n3,4\n"),
      {"line 2: a quote is opened and never closed"}));
}

TEST(ParseCsv, RefusesTextAfterAQuotedCell) {
  EXPECT_TRUE(says(
      csv_error("a,b\n\"1\"2,3\n"),
      {"line 2: expected ',' or the end of the line after a quoted cell, but "
       "found '2,3'"}));
}

TEST(ParseCsv, RefusesAnEmptyText) {
  EXPECT_TRUE(says(csv_error(""), {"some.csv: it is empty"}));
  EXPECT_TRUE(says(csv_error("\n \n"), {"some.csv: it is empty"}));
}

TEST(ParseCsv, RefusesAHeaderWithoutRows) {
  EXPECT_TRUE(says(csv_error("a,b\n"), {"names columns, but has no rows"}));
}

TEST(ParseCsv, RefusesTwoColumnsOfOneName) {
  EXPECT_TRUE(says(
      csv_error("a,a\n1,2\n"),
      {"CSV: some.csv: ", "'a' comes more than once"}));
}

TEST(ParseCsv, RefusesARowAsTheHeader) {
  EXPECT_TRUE(says(
      csv_error("0.5,2\n1,2\n"),
      {"line 1: expected a header", "header(false)"}));
  EXPECT_TRUE(says(csv_error("1,0,0\n1,0,1\n"), {"expected a header"}));
}

TEST(ParseCsv, TakesNamesThatAreWholeNumbersOrQuoted) {
  EXPECT_EQ(csv_of("2019,2020\n1,2\n").columns(), (Names{"2019", "2020"}));
  EXPECT_EQ(csv_of("\"0.5\",1\n1,2\n").columns(), (Names{"0.5", "1"}));
}

TEST(ParseCsv, RefusesAQuoteAsTheDelimiter) {
  EXPECT_TRUE(
      says(csv_error("a\n1\n", CsvOptions().delimiter('"')), {"delimiter"}));
}

TEST(ReadCsv, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "polytask_read.csv";
  std::ofstream(path) << "a\n1\n";
  EXPECT_EQ(read_csv(path).rows(), 1);
}

TEST(ReadCsv, NamesTheFileOfABadCell) {
  const std::string path = ::testing::TempDir() + "polytask_bad.csv";
  std::ofstream(path) << "a\nx\n";
  EXPECT_TRUE(says(error_of([&] { read_csv(path); }), {path + ", line 2: "}));
}

TEST(ReadCsv, SaysWhyAFileCannotBeOpened) {
  const std::string path = ::testing::TempDir() + "polytask_absent.csv";
  EXPECT_TRUE(says(
      error_of([&] { read_csv(path); }),
      {path + " cannot be opened", "No such file"}));
}

TEST(ReadCsv, RefusesAFolder) {
  EXPECT_TRUE(says(
      error_of([] { read_csv(::testing::TempDir()); }), {"it cannot be read"}));
}

} // namespace
} // namespace polytask::data
