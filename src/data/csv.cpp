// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/csv.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "text_scanner.h"

namespace polytask::data {

namespace {

bool same_marker(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
        std::tolower(static_cast<unsigned char>(y));
  });
}

bool is_missing_cell(const std::string& text, const CsvOptions& options) {
  const auto& markers = options.missing();
  return std::any_of(markers.begin(), markers.end(), [&](const auto& marker) {
    return same_marker(text, marker);
  });
}

// Numbers such as 0.3,1.75,2 or 1,0,0: whole numbers that differ may be names.
bool looks_like_a_row(const std::vector<detail::TextCell>& header) {
  bool has_fraction = false;
  std::set<double> numbers;
  for (const auto& cell : header) {
    const auto number = detail::parse_number(cell.text);
    if (cell.quoted || !number) {
      return false;
    }
    has_fraction |= *number != std::floor(*number);
    numbers.insert(*number);
  }
  return has_fraction || numbers.size() < header.size();
}

std::vector<std::string> csv_columns(
    const detail::TextScanner& scanner,
    const std::vector<detail::TextCell>& first,
    bool header) {
  if (header && looks_like_a_row(first)) {
    scanner.fail(
        "expected a header, but found numbers only; for a file without one set "
        "header(false).",
        first[0].line);
  }
  std::vector<std::string> names;
  names.reserve(first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    names.push_back(header ? first[i].text : "c" + std::to_string(i));
  }
  return names;
}

double csv_number(
    const detail::TextScanner& scanner,
    const detail::TextCell& cell,
    const std::string& column,
    const CsvOptions& options) {
  // First of all, as a marker may look like a number: -999.
  if (is_missing_cell(cell.text, options)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const auto number = detail::parse_number(cell.text);
  if (!number) {
    scanner.fail(
        "column '" + column + "': expected a number, but found " +
            detail::shown(cell.text) + ".",
        cell.line);
  }
  return *number;
}

} // namespace

Table read_csv(const std::string& path, CsvOptions options) {
  std::ifstream file = detail::open_text("CSV: ", path);
  return parse_csv(file, path, std::move(options));
}

Table parse_csv(
    std::istream& stream, const std::string& name, CsvOptions options) {
  const char delimiter = options.delimiter();
  TORCH_CHECK_VALUE(
      std::string("\"\r\n").find(delimiter) == std::string::npos,
      "CsvOptions: a quote or a line end cannot be the delimiter.");
  detail::TextScanner scanner(
      stream, "CSV: " + name, {.delimiter = delimiter, .comment = {}});
  std::vector<std::string> columns;
  std::vector<double> values;
  while (scanner.next_line()) {
    const int64_t line = scanner.line();
    const auto cells = scanner.cells();
    if (columns.empty()) {
      columns = csv_columns(scanner, cells, options.header());
      if (options.header()) {
        continue;
      }
    }
    if (cells.size() != columns.size()) {
      scanner.fail(
          "expected " + std::to_string(columns.size()) + " cells, but found " +
              std::to_string(cells.size()) + ".",
          line);
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      values.push_back(csv_number(scanner, cells[i], columns[i], options));
    }
  }
  if (columns.empty()) {
    scanner.fail("it is empty.", 0);
  }
  return scanner.table(std::move(columns), values);
}

} // namespace polytask::data
