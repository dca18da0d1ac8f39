// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "text_scanner.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#include <system_error>
#include <utility>

namespace polytask::detail {

namespace {

// Slower than `std::from_chars`, which some standard libraries lack and which
// does not tell too small a number from too large a one.
std::optional<double> number_by_stream(std::string_view text) {
  std::string word(text);
  for (char& letter : word) {
    letter =
        static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  const bool negative = word.starts_with('-');
  const std::string size = negative ? word.substr(1) : word;
  if (size == "inf" || size == "infinity") {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  if (size.find_first_not_of("0123456789.e+-") != std::string::npos ||
      size.starts_with('+') || size.starts_with('-')) {
    return std::nullopt;
  }
  std::istringstream stream(word);
  stream.imbue(std::locale::classic());
  double number = 0;
  stream >> number;
  if (stream.fail() ||
      stream.peek() != std::istringstream::traits_type::eof()) {
    return std::nullopt;
  }
  return number;
}

} // namespace

TextScanner::TextScanner(
    std::istream& stream, std::string who, TextDialect dialect)
    : stream_(stream), who_(std::move(who)), dialect_(dialect) {}

bool TextScanner::read_block() {
  constexpr std::streamsize kBytes = 1 << 16;
  block_.resize(static_cast<size_t>(kBytes));
  stream_.read(block_.data(), kBytes);
  block_.resize(static_cast<size_t>(stream_.gcount()));
  block_position_ = 0;
  if (stream_.bad()) { // as with a directory
    fail("it cannot be read.", 0);
  }
  return !block_.empty();
}

bool TextScanner::read_line() {
  text_.clear();
  bool ended = false;
  bool begun = false;
  while (!ended && (block_position_ < block_.size() || read_block())) {
    if (std::exchange(after_return_, false) &&
        block_[block_position_] == '\n') {
      ++block_position_;
      continue;
    }
    begun = true;
    const size_t end = block_.find_first_of("\r\n", block_position_);
    ended = end != std::string::npos;
    text_.append(
        block_,
        block_position_,
        (ended ? end : block_.size()) - block_position_);
    block_position_ = ended ? end + 1 : block_.size();
    after_return_ = ended && block_[end] == '\r';
  }
  if (!begun) {
    return false;
  }
  ++line_;
  position_ = 0;
  if (line_ == 1) {
    skip_byte_order_mark();
  }
  return true;
}

void TextScanner::skip_byte_order_mark() {
  if (text_.starts_with("\xEF\xBB\xBF")) {
    text_.erase(0, 3);
  } else if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) {
    fail("it is written in UTF-16; save it as UTF-8.", 0);
  }
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

std::optional<double> parse_number(std::string_view text, char decimal) {
  if (decimal != '.') {
    std::string plain(text);
    if (plain.find('.') != std::string::npos) {
      return std::nullopt;
    }
    std::replace(plain.begin(), plain.end(), decimal, '.');
    return parse_number(plain);
  }
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') {
    text.remove_prefix(1);
  }
  double number = 0;
#if defined(__cpp_lib_to_chars)
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range && stop == end) {
    return number_by_stream(text);
  }
  if (error != std::errc() || stop != end || std::isnan(number)) {
    return std::nullopt;
  }
  return number;
#else
  return number_by_stream(text);
#endif
}

std::string shown(std::string_view text) {
  constexpr size_t kLongest = 40;
  return text.size() <= kLongest
      ? "'" + std::string(text) + "'"
      : "'" + std::string(text.substr(0, kLongest)) + "...'";
}

} // namespace polytask::detail
