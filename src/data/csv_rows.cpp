// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "csv_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "text_columns.h"
#include "text_scanner.h"

namespace polytask::detail {

CsvRows::CsvRows(
    std::istream& stream, std::string who, char delimiter, size_t block_size)
    : stream_(stream),
      who_(std::move(who)),
      delimiter_(delimiter),
      block_size_(block_size) {
  for (const char stop : {delimiter, '\n', '\r'}) {
    stops_[static_cast<unsigned char>(stop)] = true;
  }
  read_more();
  skip_byte_order_mark();
}

void CsvRows::read_more() {
  const auto left = static_cast<size_t>(end_ - begin_);
  if (left > 0) {
    std::memmove(block_.data(), begin_, left);
  }
  // A row longer than the block makes it longer.
  block_.resize(std::max(block_size_, 2 * left));
  const size_t room = block_.size() - left;
  stream_.read(block_.data() + left, static_cast<std::streamsize>(room));
  if (stream_.bad()) { // as with a directory
    fail_text(who_, "it cannot be read.", 0);
  }
  const auto read = static_cast<size_t>(stream_.gcount());
  ended_ = read < room;
  begin_ = block_.data();
  end_ = begin_ + left + read;
}

void CsvRows::skip_byte_order_mark() {
  const std::string_view text(begin_, static_cast<size_t>(end_ - begin_));
  if (text.starts_with("\xEF\xBB\xBF")) {
    begin_ += 3;
  } else if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    fail_text(who_, "it is written in UTF-16; save it as UTF-8.", 0);
  }
}

bool CsvRows::next() {
  row_line_ = line_;
  while (begin_ != end_ || !ended_) {
    at_ = begin_;
    const Cut cut = cut_row();
    if (cut == Cut::kUnfinished) {
      read_more();
      line_ = row_line_;
      continue;
    }
    begin_ = at_;
    if (cut == Cut::kRow) {
      return true;
    }
    row_line_ = line_;
  }
  return false;
}

CsvRows::Cut CsvRows::cut_row() {
  count_ = 0;
  if (!unquoted_.empty()) {
    unquoted_.clear();
  }
  skip_blanks();
  if (is_line_end()) {
    return cut_line_end() ? Cut::kBlankLine : Cut::kUnfinished;
  }
  while (cut_cell()) {
    if (!is_line_end()) {
      ++at_; // the delimiter
      skip_blanks();
    } else {
      return cut_line_end() ? Cut::kRow : Cut::kUnfinished;
    }
  }
  return Cut::kUnfinished;
}

// Leaves the delimiter or the line's end.
bool CsvRows::cut_cell() {
  if (at_ != end_ && *at_ == '"') {
    return cut_quoted_cell();
  }
  const char* const first = at_;
  const char* last = first;
  while (last != end_ && !stops_[static_cast<unsigned char>(*last)]) {
    ++last;
  }
  at_ = last;
  while (last != first && is_blank(last[-1])) {
    --last;
  }
  add_cell({first, static_cast<size_t>(last - first)}, line_, /*quoted=*/false);
  return !is_unfinished();
}

bool CsvRows::cut_quoted_cell() {
  const int64_t line = line_;
  const char* first = ++at_;
  // Where a doubled quote or a line's end has to be replaced.
  std::string* unquoted = nullptr;
  const auto take = [&](const char* last) {
    if (unquoted == nullptr) {
      unquoted = &unquoted_.emplace_back();
    }
    unquoted->append(first, last);
  };
  while (true) {
    while (!is_line_end() && *at_ != '"') {
      ++at_;
    }
    if (at_ == end_) {
      if (ended_) {
        fail_text(who_, "a quote is opened and never closed.", line);
      }
      return false;
    }
    const char* const stop = at_;
    if (*stop != '"') {
      if (!cut_line_end()) {
        return false;
      }
      take(stop);
      *unquoted += '\n';
    } else {
      ++at_;
      if (at_ == end_ || *at_ != '"') {
        if (unquoted != nullptr) {
          take(stop);
        }
        add_cell(
            unquoted != nullptr
                ? std::string_view(*unquoted)
                : std::string_view(first, static_cast<size_t>(stop - first)),
            line,
            /*quoted=*/true);
        break;
      }
      take(at_);
      ++at_;
    }
    first = at_;
  }
  skip_blanks();
  if (!is_line_end() && *at_ != delimiter_) {
    return refuse_after_quotes();
  }
  return !is_unfinished();
}

bool CsvRows::refuse_after_quotes() const {
  const char* const last = std::find_if(
      at_, end_, [](char symbol) { return symbol == '\n' || symbol == '\r'; });
  if (last == end_ && !ended_) {
    return false;
  }
  const std::string_view found(at_, static_cast<size_t>(last - at_));
  fail_text(
      who_,
      "expected " + shown(std::string_view(&delimiter_, 1)) +
          " or the end of the line after a quoted cell, but found " +
          shown(found) + ".",
      line_);
}

bool CsvRows::cut_line_end() {
  if (is_unfinished()) {
    return false;
  }
  if (at_ != end_) {
    const bool is_return = *at_ == '\r';
    ++at_;
    if (is_return && is_unfinished()) { // a "\n" may belong to it
      return false;
    }
    if (is_return && at_ != end_ && *at_ == '\n') {
      ++at_;
    }
  }
  ++line_;
  return true;
}

void CsvRows::skip_blanks() {
  while (at_ != end_ && is_blank(*at_)) {
    ++at_;
  }
}

} // namespace polytask::detail
