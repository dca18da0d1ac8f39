// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "column_coding.h"

#include <ATen/ops/full.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <locale>
#include <sstream>
#include <string_view>
#include <unordered_map>

#include "core/check.h"

#include "text_scanner.h"

namespace polytask::detail {

namespace {

// As short as it can be and still give the same number when it is read.
std::string number_text(double number) {
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  for (const int digits : {15, 16, std::numeric_limits<double>::max_digits10}) {
    stream.str("");
    stream.precision(digits);
    stream << (number == 0 ? 0. : number); // -0 is 0
    if (parse_number(stream.str()) == number) {
      break;
    }
  }
  return stream.str();
}

std::vector<std::string> distinct_numbers(const at::Tensor& values) {
  const at::Tensor present =
      values.masked_select(at::isnan(values).logical_not());
  const at::Tensor sorted = std::get<0>(present.sort());
  std::vector<std::string> texts;
  const auto* const number = sorted.const_data_ptr<double>();
  for (int64_t i = 0; i < sorted.numel(); ++i) {
    if (i == 0 || number[i] != number[i - 1]) {
      texts.push_back(number_text(number[i]));
    }
  }
  return texts;
}

std::vector<std::string> present_categories(data::Categories& all) {
  std::vector<bool> is_present(all.vocabulary.size(), false);
  const auto* const code = all.codes.const_data_ptr<int64_t>();
  for (int64_t row = 0; row < all.codes.numel(); ++row) {
    if (code[row] >= 0) {
      is_present[static_cast<size_t>(code[row])] = true;
    }
  }
  std::vector<std::string> present;
  for (size_t i = 0; i < is_present.size(); ++i) {
    if (is_present[i]) {
      present.push_back(std::move(all.vocabulary[i]));
    }
  }
  return present;
}

at::Tensor codes_of_numbers(
    const std::vector<std::string>& vocabulary, const at::Tensor& values) {
  std::vector<double> numbers;
  numbers.reserve(vocabulary.size());
  for (const auto& text : vocabulary) {
    numbers.push_back(parse_number(text).value_or(0));
  }
  const at::Tensor known = at::tensor(numbers, at::kDouble);
  const at::Tensor place =
      at::searchsorted(known, values).clamp_max(known.size(0) - 1);
  const at::Tensor is_missing = at::isnan(values);
  return place
      .masked_fill(
          known.index_select(0, place).ne(values), ColumnCoding::kUnknown)
      .masked_fill(is_missing, ColumnCoding::kMissing);
}

at::Tensor codes_of_categories(
    const std::vector<std::string>& vocabulary, const data::Categories& all) {
  std::unordered_map<std::string_view, int64_t> places;
  for (const auto& category : vocabulary) {
    places.emplace(category, static_cast<int64_t>(places.size()));
  }
  std::vector<int64_t> codes;
  codes.reserve(all.vocabulary.size() + 1);
  for (const auto& category : all.vocabulary) {
    const auto found = places.find(category);
    codes.push_back(
        found == places.end() ? ColumnCoding::kUnknown : found->second);
  }
  codes.push_back(ColumnCoding::kMissing);
  const auto last = static_cast<int64_t>(all.vocabulary.size());
  return at::tensor(codes, at::kLong)
      .index_select(0, all.codes.masked_fill(all.codes.lt(0), last));
}

} // namespace

ColumnCoding ColumnCoding::fit(
    const data::Table& table,
    const std::string& column,
    bool missing_is_category) {
  ColumnCoding coding;
  coding.column = column;
  coding.of_numbers = !table.has_categories(column);
  bool misses = false;
  if (coding.of_numbers) {
    const at::Tensor values = number_column(table, column, /*fitted=*/false);
    coding.vocabulary = distinct_numbers(values);
    misses = at::isnan(values).any().item<bool>();
  } else {
    data::Categories all = table.category(column);
    misses = all.codes.lt(0).any().item<bool>();
    coding.vocabulary = present_categories(all);
  }
  TORCH_CHECK_VALUE(
      !coding.vocabulary.empty(),
      "column '",
      column,
      "' has no value on the train rows.");
  coding.has_missing = missing_is_category && misses;
  return coding;
}

at::Tensor ColumnCoding::codes(const data::Table& table) const {
  if (of_numbers) {
    return codes_of_numbers(
        vocabulary, number_column(table, column, /*fitted=*/true));
  }
  TORCH_CHECK_VALUE(
      table.has_categories(column),
      "column '",
      column,
      "' held categories on the train rows, but holds numbers here: read it "
      "with CsvOptions().categories({'",
      column,
      "'}).");
  return codes_of_categories(vocabulary, table.category(column));
}

at::Tensor ColumnCoding::places(const data::Table& table) const {
  const at::Tensor found = codes(table);
  return has_missing ? found.masked_fill(found.eq(kMissing), size() - 1)
                     : found;
}

at::Tensor number_column(
    const data::Table& table, const std::string& column, bool fitted) {
  TORCH_CHECK_VALUE(
      !table.has_categories(column),
      "column '",
      column,
      fitted
          ? "' held numbers on the train rows, but holds categories here: look "
            "for a cell of text in it, and read both tables with the same "
            "options."
          : "' holds categories, not numbers: name it in one_hot or ids, or as "
            "a target in target_class or target_binary.");
  return table.values({column}, at::kDouble).squeeze(1);
}

} // namespace polytask::detail
