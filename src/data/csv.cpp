// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/csv.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "core/check.h"

#include "number_buffer.h"
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
bool looks_like_a_row(
    const std::vector<detail::TextCell>& header, char decimal) {
  bool has_fraction = false;
  std::set<double> numbers;
  for (const auto& cell : header) {
    const auto number = detail::parse_number(cell.text, decimal);
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
    const CsvOptions& options) {
  const bool header = options.header();
  if (header && looks_like_a_row(first, options.decimal())) {
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

// Many a file of another delimiter has one column, and all the others in it.
std::string other_delimiter(const std::string& column) {
  for (const char* delimiter : {";", "\t", "|", ","}) {
    if (column.find(delimiter) != std::string::npos) {
      return " (its header holds '" + std::string(delimiter) +
          "': is that the delimiter?)";
    }
  }
  return "";
}

class CsvReader {
 public:
  CsvReader(
      std::istream& stream, const std::string& name, const CsvOptions& options)
      : options_(options),
        scanner_(
            stream,
            "CSV: " + name,
            {.delimiter = options.delimiter(), .comment = {}}) {}

  Table read() {
    while (scanner_.next_line()) {
      const int64_t line = scanner_.line();
      const auto cells = scanner_.cells();
      if (columns_.empty()) {
        begin(cells);
        if (options_.header()) {
          continue;
        }
      }
      add_row(cells, line);
    }
    if (columns_.empty()) {
      scanner_.fail("it is empty.", 0);
    }
    std::vector<std::string> names;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (is_read_[i]) {
        names.push_back(std::move(columns_[i]));
      }
    }
    return scanner_.table(std::move(names), std::move(values_));
  }

 private:
  void begin(const std::vector<detail::TextCell>& first) {
    columns_ = csv_columns(scanner_, first, options_);
    is_read_ =
        scanner_.chosen(columns_, options_.columns(), options_.without());
  }

  void add_row(const std::vector<detail::TextCell>& cells, int64_t line) {
    if (cells.size() != columns_.size()) {
      scanner_.fail(
          "expected " + std::to_string(columns_.size()) + " cells, but found " +
              std::to_string(cells.size()) +
              (columns_.size() == 1 ? other_delimiter(columns_[0]) : "") + ".",
          line);
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      if (is_read_[i]) {
        const auto number = number_in(cells[i].text);
        values_.push_back(number ? *number : refuse(cells, i));
      }
    }
  }

  // NaN for a missing one, nothing for text.
  std::optional<double> number_in(const std::string& text) const {
    // First of all, as a marker may look like a number: -999.
    return is_missing_cell(text, options_)
        ? std::numeric_limits<double>::quiet_NaN()
        : detail::parse_number(text, options_.decimal());
  }

  [[noreturn]] double refuse(
      const std::vector<detail::TextCell>& cells, size_t first) const {
    std::vector<std::string> text;
    for (size_t i = first; i < cells.size(); ++i) {
      if (is_read_[i] && !number_in(cells[i].text)) {
        text.push_back(columns_[i]);
      }
    }
    scanner_.fail(
        "column '" + columns_[first] + "': expected a number, but found " +
            detail::shown(cells[first].text) +
            ". The columns without numbers in this row are " +
            detail::quoted(text) +
            "; CsvOptions().without(...) leaves columns out, .missing(...) "
            "says which cells are missing, .decimal(',') reads 1,5.",
        cells[first].line);
  }

  const CsvOptions& options_;
  detail::TextScanner scanner_;
  std::vector<std::string> columns_;
  std::vector<bool> is_read_;
  detail::NumberBuffer values_;
};

} // namespace

Table read_csv(const std::string& path, CsvOptions options) {
  std::ifstream file = detail::open_text("CSV: ", path);
  return parse_csv(file, path, std::move(options));
}

Table parse_csv(
    std::istream& stream, const std::string& name, CsvOptions options) {
  TORCH_CHECK_VALUE(
      std::string("\"\r\n").find(options.delimiter()) == std::string::npos,
      "CsvOptions: a quote or a line end cannot be the delimiter.");
  TORCH_CHECK_VALUE(
      (options.decimal() == '.' || options.decimal() == ',') &&
          options.decimal() != options.delimiter(),
      "CsvOptions: expected '.' or ',' before a fraction, and another "
      "delimiter, but got decimal '",
      options.decimal(),
      "' and delimiter '",
      options.delimiter(),
      "'.");
  return CsvReader(stream, name, options).read();
}

} // namespace polytask::data
