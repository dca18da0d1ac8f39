// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <istream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace polytask::detail {

struct CsvCell {
  /// Without its quotes, or else without blanks around it.
  std::string_view text;
  /// Where the cell starts.
  int64_t line;
  bool quoted;
};

/// Cuts a text into rows of cells (RFC 4180), which lie where they were read.
/// Skips a byte-order mark, blank lines, and blanks around a cell. "\n", "\r\n"
/// and "\r" end a line, one file may hold all three, and the last line needs no
/// end; within quotes each is "\n".
class CsvRows {
 public:
  /// `who` leads every message: the format and the file. So many bytes are read
  /// at once; more where a row is longer.
  CsvRows(
      std::istream& stream,
      std::string who,
      char delimiter,
      size_t block_size = size_t{1} << 18);

  /// Goes to the next row; false if there is none.
  bool next();
  /// Good until the next call of `next`.
  std::span<const CsvCell> cells() const {
    return {cells_.data(), count_};
  }
  /// Where the row starts, counted from 1.
  int64_t line() const {
    return row_line_;
  }

 private:
  enum class Cut { kRow, kBlankLine, kUnfinished };

  // All but the last give false where the text that has been read ends first
  // and more may follow: the row is then cut again, with more of it.
  Cut cut_row();
  bool cut_cell();
  bool cut_quoted_cell();
  bool cut_line_end();
  void skip_blanks();
  void add_cell(std::string_view text, int64_t line, bool quoted) {
    if (count_ == cells_.size()) {
      cells_.resize(2 * count_ + 1);
    }
    cells_[count_++] = {text, line, quoted};
  }

  bool is_blank(char symbol) const {
    return (symbol == ' ' || symbol == '\t') && symbol != delimiter_;
  }
  bool is_unfinished() const {
    return at_ == end_ && !ended_;
  }
  bool is_line_end() const {
    return at_ == end_ || *at_ == '\n' || *at_ == '\r';
  }
  void read_more();
  void skip_byte_order_mark();
  // Throws, with what stands there, once all of the line has been read.
  bool refuse_after_quotes() const;

  std::istream& stream_;
  std::string who_;
  char delimiter_;
  size_t block_size_;
  // What ends a cell without quotes.
  std::array<bool, 256> stops_{};

  // What has been read of the stream: a row is cut from `begin_` on and has
  // come to `at_`.
  std::vector<char> block_;
  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool ended_ = false;

  // The row's are the first `count_`.
  std::vector<CsvCell> cells_;
  size_t count_ = 0;
  // The texts that do not stand in the block as they are.
  std::deque<std::string> unquoted_;
  // Where the row starts, and the line of `at_`.
  int64_t row_line_ = 1;
  int64_t line_ = 1;
};

} // namespace polytask::detail
