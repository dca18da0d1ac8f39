// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/arff.h>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
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

constexpr double kArffMissing = std::numeric_limits<double>::quiet_NaN();

Table arff_of(const std::string& text) {
  std::istringstream stream(text);
  return parse_arff(stream, "some.arff");
}

// The values of rows under a header of a number and a nominal attribute.
at::Tensor arff_values(const std::string& rows) {
  return arff_of(
             "@attribute x real\n@attribute c {a,'b b',\"?\"}\n@data\n" + rows)
      .values()
      .flatten();
}

std::string arff_error(const std::string& text) {
  return error_of([&] { arff_of(text); });
}

std::string arff_row_error(const std::string& rows) {
  return error_of([&] { arff_values(rows); });
}

TEST(ParseArff, ReadsNumericAttributes) {
  const Table table = arff_of(
      "@relation r\n@attribute a numeric\n@attribute b real\n"
      "@attribute c integer\n@data\n1,2.5,3\n4,5,6\n");
  EXPECT_EQ(table.columns(), (Names{"a", "b", "c"}));
  EXPECT_TRUE(at::equal(
      table.values(), at::tensor({1., 2.5, 3., 4., 5., 6.}).view({2, 3})));
}

TEST(ParseArff, ReadsKeywordsInAnyCase) {
  EXPECT_EQ(arff_of("@RELATION r\n@Attribute a NUMERIC\n@DATA\n1\n").rows(), 1);
}

TEST(ParseArff, ReadsQuotedNames) {
  const Table table = arff_of(
      "@attribute 'a b' numeric\n@attribute \"c'd\" numeric\n"
      "@attribute 'it\\'s' numeric\n@attribute e{x}\n@data\n1,2,3,x\n");
  EXPECT_EQ(table.columns(), (Names{"a b", "c'd", "it's", "e"}));
}

TEST(ParseArff, SkipsCommentsAndBlankLines) {
  const Table table = arff_of(
      "% by hand\r\n\r\n@attribute a numeric % metres\r\n@data\r\n"
      "% rows\r\n1\r\n\r\n2 % last\r\n");
  EXPECT_TRUE(at::equal(table.values().flatten(), at::tensor({1., 2.})));
}

class ParseArffLineEnds : public ::testing::TestWithParam<const char*> {};

TEST_P(ParseArffLineEnds, ReadsThemWithAndWithoutALastOne) {
  const std::string end = GetParam();
  const std::string text = "% by hand" + end + "@relation r" + end + end +
      "@attribute a numeric % metres" + end + "@attribute 'b c' {u,'v w'}" +
      end + "@data" + end + "1,'v w'" + end + end + "{0 -inf}";
  const double inf = std::numeric_limits<double>::infinity();
  for (const auto& whole : {text, text + end, text + end + end}) {
    EXPECT_TRUE(at::equal(
        arff_of(whole).values().flatten(), at::tensor({1., 1., -inf, 0.})));
  }
  EXPECT_TRUE(says(arff_error(text + end + "x,u"), {"line 10: "}));
}

INSTANTIATE_TEST_SUITE_P(
    Ends, ParseArffLineEnds, ::testing::Values("\n", "\r\n", "\r"));

const char* const kArffCities =
    "@attribute city string\n@attribute x real\n"
    "@attribute day date \"yyyy-MM-dd\"\n@attribute y real\n@data\n"
    "'Bad Ems',1,\"2020-01-01\",2\n{0 Ulm,3 4}\n";

TEST(ParseArff, LeavesStringsAndDatesOutWhenAsked) {
  std::istringstream stream(kArffCities);
  const Table table =
      parse_arff(stream, "some.arff", ArffOptions().without({"city", "day"}));
  EXPECT_EQ(table.columns(), (Names{"x", "y"}));
  EXPECT_TRUE(
      at::equal(table.values().flatten(), at::tensor({1., 2., 0., 4.})));
}

TEST(ParseArff, ReadsTheAttributesThatAreNamed) {
  std::istringstream stream(kArffCities);
  const Table table =
      parse_arff(stream, "some.arff", ArffOptions().columns({"y"}));
  EXPECT_TRUE(at::equal(table.values().flatten(), at::tensor({2., 4.})));
}

TEST(ParseArff, NamesAnAttributeOfTheOptionsThatIsNotThere) {
  std::istringstream stream(kArffCities);
  EXPECT_TRUE(says(
      error_of([&] {
        parse_arff(stream, "some.arff", ArffOptions().without({"town"}));
      }),
      {"ARFF: some.arff: ", "no column 'town'"}));
}

TEST(ParseArff, NumbersClassesInTheOrderListed) {
  EXPECT_TRUE(at::equal(
      arff_values("1, 'b b'\n2,a\n3,'?'\n"),
      at::tensor({1., 1., 2., 0., 3., 2.})));
}

TEST(ParseArff, ReadsAQuestionMarkAsMissing) {
  EXPECT_TRUE(at::allclose(
      arff_values("?,?\n"),
      at::tensor({kArffMissing, kArffMissing}),
      0,
      0,
      true));
}

TEST(ParseArff, ReadsSparseRows) {
  EXPECT_TRUE(at::allclose(
      arff_values("{0 1.5, 1 'b b'}\n{ 1 ? }\n{}\n{1 \"?\",0 2}\n2,a\n"),
      at::tensor({1.5, 1., 0., kArffMissing, 0., 0., 2., 2., 2., 0.}),
      0,
      0,
      true));
}

class ParseArffType : public ::testing::TestWithParam<const char*> {};

TEST_P(ParseArffType, IsRefusedWithItsLine) {
  const std::string type = GetParam();
  EXPECT_TRUE(says(
      arff_error("@relation r\n@attribute when " + type + "\n@data\n1\n"),
      {"ARFF: some.arff, line 2: attribute 'when'",
       "but found '" + type.substr(0, type.find(' ')) + "'"}));
}

INSTANTIATE_TEST_SUITE_P(
    Unreadable,
    ParseArffType,
    ::testing::Values(
        "string", "DATE \"yyyy\"", "relational", "numerical", ""));

TEST(ParseArff, NamesTheLineOfABadNumber) {
  EXPECT_TRUE(says(
      arff_row_error("1,a\nlow,a\n"),
      {"line 5: attribute 'x': expected a number, but found 'low'"}));
}

TEST(ParseArff, NamesTheLineOfAnUnknownClass) {
  EXPECT_TRUE(says(
      arff_row_error("1,a\n2,A\n"),
      {"line 5: attribute 'c': expected one of 'a', 'b b', '?', but found "
       "'A'"}));
}

TEST(ParseArff, NamesTheLineOfAShortOrLongRow) {
  EXPECT_TRUE(
      says(arff_row_error("1\n"), {"line 4: expected 2 values, but found 1"}));
  EXPECT_TRUE(says(
      arff_row_error("\n1,a,a\n"), {"line 5: expected 2 values, but found 3"}));
}

TEST(ParseArff, RefusesAPlaceOutOfRangeInASparseRow) {
  EXPECT_TRUE(says(
      arff_row_error("{2 1}\n"),
      {"line 4: expected the place of an attribute, from 0 to 1, but found "
       "'2'"}));
  EXPECT_TRUE(says(arff_row_error("{x 1}\n"), {"but found 'x'"}));
  EXPECT_TRUE(says(arff_row_error("{-1 1}\n"), {"but found '-1'"}));
}

TEST(ParseArff, RefusesABadValueInASparseRow) {
  EXPECT_TRUE(says(
      arff_row_error("{0}\n"),
      {"line 4: attribute 'x': expected a number, but found ''"}));
}

TEST(ParseArff, RefusesTwoValuesForOneAttributeInASparseRow) {
  EXPECT_TRUE(says(
      arff_row_error("{0 1, 0 2}\n"),
      {"line 4: attribute 'x' has two values"}));
}

TEST(ParseArff, RefusesAnOpenSparseRow) {
  EXPECT_TRUE(
      says(arff_row_error("{0 1\n"), {"line 4: a sparse row is not closed"}));
}

TEST(ParseArff, RefusesTextAfterASparseRow) {
  EXPECT_TRUE(says(
      arff_row_error("{0 1} 2\n"),
      {"line 4: expected nothing after a sparse row, but found '2'"}));
}

TEST(ParseArff, RefusesAnOpenQuote) {
  EXPECT_TRUE(says(
      arff_row_error("1,'b b\n"),
      {"line 4: a quote is opened and never closed"}));
}

TEST(ParseArff, RefusesAnOpenListOfClasses) {
  EXPECT_TRUE(says(
      arff_error("@attribute c {a,b\n@data\na\n"),
      {"line 1: attribute 'c': its list of classes is not closed"}));
}

TEST(ParseArff, RefusesTextAfterAType) {
  EXPECT_TRUE(says(
      arff_error("@attribute c numeric [0,1]\n@data\n1\n"),
      {"line 1: attribute 'c': expected nothing after its type, but found "
       "'[0,1]'"}));
}

TEST(ParseArff, RefusesAnUnknownKeyword) {
  EXPECT_TRUE(says(
      arff_error("@relation r\n1,2\n"),
      {"line 2: expected @relation, @attribute or @data, but found '1,2'"}));
}

TEST(ParseArff, RefusesAnAttributeThatComesTwice) {
  EXPECT_TRUE(says(
      arff_error("@attribute a real\n@attribute a real\n@data\n1,2\n"),
      {"ARFF: some.arff: ", "'a' comes more than once"}));
}

TEST(ParseArff, RefusesATextWithoutAttributesOrRows) {
  EXPECT_TRUE(says(arff_error(""), {"some.arff: it is empty"}));
  EXPECT_TRUE(says(arff_error("@relation r\n"), {"it has no @data"}));
  EXPECT_TRUE(
      says(arff_error("@data\n1\n"), {"line 1: expected an @attribute"}));
  EXPECT_TRUE(says(arff_error("@attribute a real\n@data\n"), {"has no rows"}));
}

TEST(ReadArff, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "polytask_read.arff";
  std::ofstream(path) << "@attribute a real\n@data\n1\n";
  EXPECT_EQ(read_arff(path).rows(), 1);
}

TEST(ReadArff, SaysWhyAFileCannotBeOpened) {
  const std::string path = ::testing::TempDir() + "polytask_absent.arff";
  EXPECT_TRUE(says(
      error_of([&] { read_arff(path); }),
      {"ARFF: " + path, "cannot be opened"}));
}

} // namespace
} // namespace polytask::data
