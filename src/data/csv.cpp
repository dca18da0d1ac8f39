// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/csv.h>

#include <c10/util/Exception.h>

#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/check.h"

#include "category_buffer.h"
#include "csv_rows.h"
#include "missing_markers.h"
#include "number_buffer.h"
#include "text_columns.h"
#include "text_scanner.h"

namespace polytask::data {

namespace {

// Numbers such as 0.3,1.75,2 or 1,0,0: whole numbers that differ may be names.
bool looks_like_a_row(std::span<const detail::CsvCell> header, char decimal) {
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
    const std::string& who,
    std::span<const detail::CsvCell> first,
    const CsvOptions& options) {
  const bool header = options.header();
  if (header && looks_like_a_row(first, options.decimal())) {
    detail::fail_text(
        who,
        "expected a header, but found numbers only; for a file without one set "
        "header(false).",
        first[0].line);
  }
  std::vector<std::string> names;
  names.reserve(first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    names.push_back(
        header ? std::string(first[i].text) : "c" + std::to_string(i));
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
        stream_(stream),
        who_("CSV: " + name),
        missing_(options.missing()),
        missing_categories_(options.missing_categories()) {}

  Table read() {
    // Where the text starts, or -1 if the stream cannot go back.
    const std::streamoff start = options_.infer_categories()
        ? static_cast<std::streamoff>(stream_.tellg())
        : 0;
    if (start < 0) {
      stream_.clear();
      std::stringstream kept;
      kept << stream_.rdbuf();
      return read_again_from(kept, 0);
    }
    return read_again_from(stream_, start);
  }

 private:
  Table read_again_from(std::istream& stream, std::streamoff start) {
    while (!read_rows(stream)) {
      stream.clear();
      stream.seekg(start);
    }
    if (columns_.empty()) {
      detail::fail_text(who_, "it is empty.", 0);
    }
    return table();
  }

  // False as soon as it is known, and all was read that may tell of others, if
  // a column of numbers has to be read again as categories.
  bool read_rows(std::istream& stream) {
    detail::CsvRows rows(stream, who_, options_.delimiter());
    values_ = {};
    categories_.clear();
    rows_ = 0;
    bool is_complete = true;
    int64_t last = std::numeric_limits<int64_t>::max();
    bool is_first = true;
    while (rows_ < last && rows.next()) {
      if (std::exchange(is_first, false)) {
        begin(rows.cells());
        if (options_.header()) {
          continue;
        }
      }
      const bool fits = add_row(rows.cells(), rows.line());
      ++rows_;
      if (!fits && std::exchange(is_complete, false)) {
        // Twice as many, so that all reading takes a few times that of once.
        constexpr int64_t kFewest = 1000;
        last = 2 * rows_ + kFewest;
      }
    }
    return is_complete;
  }

  void begin(std::span<const detail::CsvCell> first) {
    if (columns_.empty()) {
      columns_ = csv_columns(who_, first, options_);
      is_read_ = detail::chosen_columns(
          who_, columns_, options_.columns(), options_.without());
      is_category_ =
          detail::named_columns(who_, columns_, options_.categories());
      renamed_ = detail::renamed_columns(who_, columns_, options_.rename());
    }
    sources_.clear();
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (is_read_[i]) {
        sources_.push_back({i, is_category_[i]});
      }
    }
    categories_.resize(columns_.size());
  }

  // False if a cell shows that its column is one of categories.
  bool add_row(std::span<const detail::CsvCell> cells, int64_t line) {
    if (cells.size() != columns_.size()) {
      detail::fail_text(
          who_,
          "expected " + std::to_string(columns_.size()) + " cells, but found " +
              std::to_string(cells.size()) +
              (columns_.size() == 1 ? other_delimiter(columns_[0]) : "") + ".",
          line);
    }
    bool fits = true;
    for (const Source& source : sources_) {
      const std::string_view text = cells[source.cell].text;
      double number = 0;
      if (source.is_category) {
        categories_[source.cell].push_back(text);
      } else if (read_number(text, number)) {
        values_.push_back(number);
      } else if (options_.infer_categories()) {
        is_category_[source.cell] = true;
        fits = false;
      } else {
        refuse(cells, source.cell);
      }
    }
    return fits;
  }

  // NaN for a missing one; false for text.
  bool read_number(std::string_view text, double& number) const {
    // First of all, as a marker may look like a number: -999.
    if (missing_.contains(text)) {
      number = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    return detail::read_number(text, options_.decimal(), number);
  }

  [[noreturn]] void refuse(
      std::span<const detail::CsvCell> cells, size_t first) const {
    std::vector<std::string> text;
    for (const auto& [cell, is_category] : sources_) {
      double number = 0;
      if (cell >= first && !is_category &&
          !read_number(cells[cell].text, number)) {
        text.push_back(columns_[cell]);
      }
    }
    detail::fail_text(
        who_,
        "column '" + columns_[first] + "': expected a number, but found " +
            detail::shown(cells[first].text) +
            ". The columns without numbers in this row are " +
            detail::quoted(text) +
            "; CsvOptions().without(...) leaves columns out, .categories(...) "
            "reads them as text, as .infer_categories(true) does with all such "
            "columns, .missing(...) says which cells are missing, "
            ".decimal(',') reads 1,5.",
        cells[first].line);
  }

  Table table() {
    std::vector<std::string> names;
    NamedCategories categories;
    int64_t numbers = 0;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!is_read_[i]) {
        continue;
      }
      names.push_back(renamed_[i]);
      if (is_category_[i]) {
        categories.emplace_back(
            renamed_[i],
            std::move(categories_[i]).release(missing_categories_));
      } else {
        ++numbers;
      }
    }
    return detail::table_of(
        who_,
        std::move(names),
        std::move(values_).release({rows_, numbers}),
        std::move(categories));
  }

  // A column to be read.
  struct Source {
    size_t cell;
    bool is_category;
  };

  const CsvOptions& options_;
  std::istream& stream_;
  std::string who_;
  detail::MissingMarkers missing_;
  detail::MissingMarkers missing_categories_;
  // For each column of the file:
  std::vector<std::string> columns_;
  std::vector<std::string> renamed_;
  std::vector<bool> is_read_;
  std::vector<bool> is_category_;
  std::vector<Source> sources_;
  std::vector<detail::CategoryBuffer> categories_;

  detail::NumberBuffer<double> values_;
  int64_t rows_ = 0;
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
