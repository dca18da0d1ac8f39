// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "text_scanner.h"

#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "core/check.h"

namespace polytask::detail {

TextScanner::TextScanner(
    std::istream& stream, std::string who, TextDialect dialect)
    : stream_(stream), who_(std::move(who)), dialect_(dialect) {}

bool TextScanner::read_line() {
  if (!std::getline(stream_, text_)) {
    if (stream_.bad()) { // as with a directory
      fail("it cannot be read.", 0);
    }
    return false;
  }
  ++line_;
  position_ = 0;
  if (line_ == 1 && text_.starts_with("\xEF\xBB\xBF")) {
    text_.erase(0, 3);
  }
  if (text_.ends_with('\r')) {
    text_.pop_back();
  }
  return true;
}

bool TextScanner::next_line() {
  while (read_line()) {
    if (!at_end()) {
      return true;
    }
  }
  return false;
}

bool TextScanner::is_blank(char symbol) const {
  return (symbol == ' ' || symbol == '\t') && symbol != dialect_.delimiter;
}

void TextScanner::skip_blanks() {
  while (position_ < text_.size() && is_blank(text_[position_])) {
    ++position_;
  }
}

bool TextScanner::at_end() {
  skip_blanks();
  return position_ == text_.size() || text_[position_] == dialect_.comment;
}

bool TextScanner::take(char symbol) {
  if (at_end() || text_[position_] != symbol) {
    return false;
  }
  ++position_;
  return true;
}

TextCell TextScanner::cell(std::string_view stops) {
  skip_blanks();
  if (position_ < text_.size() &&
      dialect_.quotes.find(text_[position_]) != std::string_view::npos) {
    return quoted_cell();
  }
  const size_t first = position_;
  while (position_ < text_.size() && text_[position_] != dialect_.comment &&
         stops.find(text_[position_]) == std::string_view::npos) {
    ++position_;
  }
  size_t last = position_;
  while (last > first && is_blank(text_[last - 1])) {
    --last;
  }
  return {text_.substr(first, last - first), line_, /*quoted=*/false};
}

TextCell TextScanner::quoted_cell() {
  TextCell cell{"", line_, /*quoted=*/true};
  const char quote = text_[position_++];
  while (true) {
    if (position_ == text_.size()) {
      if (!dialect_.doubles_quotes || !read_line()) {
        fail("a quote is opened and never closed.", cell.line);
      }
      cell.text += '\n';
      continue;
    }
    const char symbol = text_[position_++];
    const bool has_next = position_ < text_.size();
    if (symbol == quote) {
      if (!dialect_.doubles_quotes || !has_next || text_[position_] != quote) {
        return cell;
      }
      ++position_;
    } else if (symbol == '\\' && !dialect_.doubles_quotes && has_next) {
      cell.text += text_[position_++];
      continue;
    }
    cell.text += symbol;
  }
}

std::vector<TextCell> TextScanner::cells() {
  const std::string_view delimiter(&dialect_.delimiter, 1);
  std::vector<TextCell> cells;
  do {
    cells.push_back(cell(delimiter));
  } while (take(dialect_.delimiter));
  if (!at_end()) {
    fail(
        "expected " + shown(delimiter) +
        " or the end of the line after a quoted cell, but found " +
        shown(std::string_view(text_).substr(position_)) + ".");
  }
  return cells;
}

void TextScanner::fail(const std::string& what, int64_t line) const {
  const std::string where = line > 0 ? ", line " + std::to_string(line) : "";
  TORCH_CHECK_VALUE(false, who_, where, ": ", what);
}

data::Table TextScanner::table(
    std::vector<std::string> columns, const std::vector<double>& values) const {
  if (values.empty()) {
    fail("it names columns, but has no rows.", 0);
  }
  const auto count = static_cast<int64_t>(columns.size());
  const auto rows = static_cast<int64_t>(values.size()) / count;
  // from_blob takes no pointer to const; the clone leaves the vector alone.
  const at::Tensor view = at::from_blob(
      const_cast<double*>(values.data()), {rows, count}, at::kDouble);
  try {
    return data::Table(std::move(columns), view.clone());
  } catch (const c10::Error&) {
    rethrow_with(who_ + ": ");
  }
}

std::ifstream open_text(const std::string& who, const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  TORCH_CHECK_VALUE(
      file.is_open(),
      who,
      path,
      " cannot be opened: ",
      std::generic_category().message(errno),
      ".");
  return file;
}

std::optional<double> parse_number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') {
    text.remove_prefix(1);
  }
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || std::isnan(number)) {
    return std::nullopt;
  }
  return number;
}

std::string shown(std::string_view text) {
  constexpr size_t kLongest = 40;
  return text.size() <= kLongest
      ? "'" + std::string(text) + "'"
      : "'" + std::string(text.substr(0, kLongest)) + "...'";
}

} // namespace polytask::detail
