// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/arff.h>

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "core/check.h"
#include "core/name_index.h"

#include "number_buffer.h"
#include "text_columns.h"
#include "text_scanner.h"

namespace polytask::data {

namespace {

struct ArffAttribute {
  std::string name;
  // Empty for a numeric attribute.
  std::vector<std::string> classes;
  detail::NameIndex class_index{0};
  // The type of an attribute that no table holds, and where it is declared.
  std::string unreadable;
  int64_t line = 0;
  bool is_read = true;
  // What the table calls it, and whether it keeps the places of the classes as
  // categories.
  std::string column;
  bool has_codes = false;
  detail::NumberBuffer<int32_t> codes;
};

std::string arff_lowercase(std::string word) {
  for (char& letter : word) {
    letter =
        static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return word;
}

// The part of a file up to `@data`, and then its rows.
class ArffReader {
 public:
  ArffReader(
      std::istream& stream, const std::string& name, const ArffOptions& options)
      : options_(options),
        scanner_(
            stream,
            "ARFF: " + name,
            {.delimiter = ',',
             .quotes = "'\"",
             .doubles_quotes = false,
             .comment = '%'}) {}

  Table read() {
    read_header();
    choose();
    while (scanner_.next_line()) {
      scanner_.take('{') ? read_sparse_row() : read_row();
    }
    return table();
  }

 private:
  static constexpr std::string_view kBlanks = " \t";

  void read_header() {
    while (scanner_.next_line()) {
      const std::string word = scanner_.cell(kBlanks).text;
      const std::string keyword = arff_lowercase(word);
      if (keyword == "@data") {
        if (attributes_.empty()) {
          scanner_.fail("expected an @attribute before @data.");
        }
        return;
      }
      if (keyword == "@attribute") {
        read_attribute();
      } else if (keyword != "@relation") {
        scanner_.fail(
            "expected @relation, @attribute or @data, but found " +
            detail::shown(word) + ".");
      }
    }
    scanner_.fail(
        scanner_.line() == 0 ? "it is empty." : "it has no @data.", 0);
  }

  void read_attribute() {
    ArffAttribute attribute;
    attribute.name = scanner_.cell(" \t{").text;
    if (scanner_.take('{')) {
      read_classes(attribute);
    } else {
      const std::string type = scanner_.cell(kBlanks).text;
      const std::string kind = arff_lowercase(type);
      if (kind == "string" || kind == "date") {
        attribute.unreadable = type;
        attribute.line = scanner_.line();
        scanner_.cell(""); // how a date is written
      } else if (kind != "numeric" && kind != "real" && kind != "integer") {
        refuse_type(attribute.name, type, scanner_.line());
      }
    }
    if (!scanner_.at_end()) {
      scanner_.fail(
          "attribute '" + attribute.name +
          "': expected nothing after its type, but found " +
          detail::shown(scanner_.cell("").text) + ".");
    }
    attributes_.push_back(std::move(attribute));
  }

  [[noreturn]] void refuse_type(
      const std::string& attribute,
      const std::string& type,
      int64_t line) const {
    scanner_.fail(
        "attribute '" + attribute +
            "': expected numeric, real, integer or a list of classes in "
            "braces, but found " +
            detail::shown(type) +
            "; ArffOptions().without(...) leaves strings and dates out.",
        line);
  }

  void choose() {
    std::vector<std::string> names;
    for (const auto& attribute : attributes_) {
      names.push_back(attribute.name);
    }
    const auto is_read = detail::chosen_columns(
        scanner_.who(), names, options_.columns(), options_.without());
    const auto renamed =
        detail::renamed_columns(scanner_.who(), names, options_.rename());
    for (size_t i = 0; i < attributes_.size(); ++i) {
      ArffAttribute& attribute = attributes_[i];
      attribute.is_read = is_read[i];
      attribute.column = renamed[i];
      attribute.has_codes =
          options_.nominal_categories() && !attribute.classes.empty();
      if (attribute.is_read && !attribute.unreadable.empty()) {
        refuse_type(attribute.name, attribute.unreadable, attribute.line);
      }
    }
  }

  // A class by its place.
  static auto class_of(const ArffAttribute& attribute) {
    return [&attribute](size_t place) -> const std::string& {
      return attribute.classes[place];
    };
  }

  void read_classes(ArffAttribute& attribute) {
    auto& classes = attribute.classes;
    do {
      classes.push_back(scanner_.cell(",}").text);
    } while (scanner_.take(','));
    if (!scanner_.take('}')) {
      scanner_.fail(
          "attribute '" + attribute.name +
          "': its list of classes is not closed.");
    }
    attribute.class_index = detail::NameIndex(classes.size());
    for (size_t i = 0; i < classes.size(); ++i) {
      attribute.class_index.add(i, class_of(attribute));
    }
  }

  void read_row() {
    const auto cells = scanner_.cells();
    if (cells.size() != attributes_.size()) {
      scanner_.fail(
          "expected " + std::to_string(attributes_.size()) +
          " values, but found " + std::to_string(cells.size()) + ".");
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      if (attributes_[i].is_read) {
        keep(attributes_[i], value_of(attributes_[i], cells[i]));
      }
    }
    ++rows_;
  }

  void read_sparse_row() {
    std::vector<double> row(attributes_.size(), 0.0);
    std::vector<bool> given(attributes_.size(), false);
    if (!scanner_.take('}')) {
      do {
        const size_t i = read_place();
        if (given[i]) {
          scanner_.fail(
              "attribute '" + attributes_[i].name +
              "' has two values in one row.");
        }
        given[i] = true;
        const detail::TextCell cell = scanner_.cell(",}");
        if (attributes_[i].is_read) {
          row[i] = value_of(attributes_[i], cell);
        }
      } while (scanner_.take(','));
      if (!scanner_.take('}')) {
        scanner_.fail("a sparse row is not closed by '}'.");
      }
    }
    if (!scanner_.at_end()) {
      scanner_.fail(
          "expected nothing after a sparse row, but found " +
          detail::shown(scanner_.cell("").text) + ".");
    }
    for (size_t i = 0; i < row.size(); ++i) {
      if (attributes_[i].is_read) {
        keep(attributes_[i], row[i]);
      }
    }
    ++rows_;
  }

  void keep(ArffAttribute& attribute, double value) {
    if (attribute.has_codes) {
      attribute.codes.push_back(
          std::isnan(value) ? -1 : static_cast<int32_t>(value));
    } else {
      values_.push_back(value);
    }
  }

  Table table() {
    std::vector<std::string> names;
    NamedCategories categories;
    int64_t numbers = 0;
    for (auto& attribute : attributes_) {
      if (!attribute.is_read) {
        continue;
      }
      names.push_back(attribute.column);
      if (attribute.has_codes) {
        categories.emplace_back(
            attribute.column,
            Categories{
                std::move(attribute.codes).release({rows_}),
                std::move(attribute.classes)});
      } else {
        ++numbers;
      }
    }
    return detail::table_of(
        scanner_.who(),
        std::move(names),
        std::move(values_).release({rows_, numbers}),
        std::move(categories));
  }

  // Which attribute the next value of a sparse row belongs to.
  size_t read_place() {
    const std::string text = scanner_.cell(" \t,}").text;
    size_t place = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, place);
    if (error != std::errc() || stop != end || place >= attributes_.size()) {
      scanner_.fail(
          "expected the place of an attribute, from 0 to " +
          std::to_string(attributes_.size() - 1) + ", but found " +
          detail::shown(text) + ".");
    }
    return place;
  }

  double value_of(
      const ArffAttribute& attribute, const detail::TextCell& cell) const {
    if (cell.text == "?" && !cell.quoted) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    const auto& classes = attribute.classes;
    if (!classes.empty()) {
      const size_t place =
          attribute.class_index.find(cell.text, class_of(attribute));
      if (place == detail::NameIndex::kNowhere) {
        scanner_.fail(
            "attribute '" + attribute.name + "': expected one of " +
            detail::quoted(classes) + ", but found " +
            detail::shown(cell.text) + ".");
      }
      return static_cast<double>(place);
    }
    const auto number = detail::parse_number(cell.text);
    if (!number) {
      scanner_.fail(
          "attribute '" + attribute.name + "': expected a number, but found " +
          detail::shown(cell.text) + ".");
    }
    return *number;
  }

  const ArffOptions& options_;
  detail::TextScanner scanner_;
  std::vector<ArffAttribute> attributes_;
  detail::NumberBuffer<double> values_;
  int64_t rows_ = 0;
};

} // namespace

Table read_arff(const std::string& path, ArffOptions options) {
  std::ifstream file = detail::open_text("ARFF: ", path);
  return parse_arff(file, path, std::move(options));
}

Table parse_arff(
    std::istream& stream, const std::string& name, ArffOptions options) {
  return ArffReader(stream, name, options).read();
}

} // namespace polytask::data
