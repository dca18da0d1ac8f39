// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "text_columns.h"

namespace polytask::detail {

/// How a format of separated values is written.
struct TextDialect {
  char delimiter = ',';
  /// The characters that quote a cell.
  std::string_view quotes = "\"";
  /// True: a quote within quotes is doubled, and a quoted cell may run over
  /// several lines. False: a backslash stands before it.
  bool doubles_quotes = true;
  /// What starts a comment outside quotes.
  std::optional<char> comment;
};

struct TextCell {
  /// Without its quotes, or else without blanks around it.
  std::string text;
  /// Where the cell starts.
  int64_t line;
  bool quoted;
};

/// Cuts a text into lines, counted from 1, and the lines into cells. Skips a
/// byte-order mark, blank lines and the comments. "\n", "\r\n" and "\r" end a
/// line, one file may hold all three, and the last line needs no end.
class TextScanner {
 public:
  /// `who` leads every message: the format and the file.
  TextScanner(std::istream& stream, std::string who, TextDialect dialect);

  /// Goes to the next line that holds something; false if there is none.
  bool next_line();
  int64_t line() const {
    return line_;
  }

  /// These three skip blanks first. Nothing is left of the line:
  bool at_end();
  /// The next character is `symbol`, which is then passed over.
  bool take(char symbol);
  /// What stands before the next of `stops`, which is left.
  TextCell cell(std::string_view stops);

  /// The rest of the line, cut at each delimiter.
  std::vector<TextCell> cells();

  [[noreturn]] void fail(const std::string& what) const {
    fail(what, line_);
  }
  /// Line 0 is the text as a whole.
  [[noreturn]] void fail(const std::string& what, int64_t line) const {
    fail_text(who_, what, line);
  }
  const std::string& who() const {
    return who_;
  }

 private:
  bool read_block();
  bool read_line();
  void skip_byte_order_mark();
  bool is_blank(char symbol) const;
  void skip_blanks();
  TextCell quoted_cell();

  std::istream& stream_;
  std::string who_;
  TextDialect dialect_;
  // What has been read of the stream and not yet been cut into lines.
  std::string block_;
  size_t block_position_ = 0;
  // The last line ended with "\r", to which a "\n" belongs.
  bool after_return_ = false;
  std::string text_;
  size_t position_ = 0;
  int64_t line_ = 0;
};

/// Opens a file to read; throws, with `who` and the path, if it cannot.
std::ifstream open_text(const std::string& who, const std::string& path);

/// A number as in the C locale but for `decimal`, with or without a plus, `inf`
/// and `infinity` among them; what is too small for a double is 0. Nothing for
/// any other text, NaN included, and for what is too large.
std::optional<double> parse_number(std::string_view text, char decimal = '.');

/// The same, for many numbers; false where there is nothing.
inline bool read_number(std::string_view text, char decimal, double& number) {
#if defined(__cpp_lib_to_chars)
  // All but a few stand as `std::from_chars` reads them.
  if (decimal == '.') {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && stop == end && !std::isnan(number)) {
      return true;
    }
  }
#endif
  const auto parsed = parse_number(text, decimal);
  number = parsed.value_or(0);
  return parsed.has_value();
}

/// The text for a message: in quotes, shortened.
std::string shown(std::string_view text);

} // namespace polytask::detail
