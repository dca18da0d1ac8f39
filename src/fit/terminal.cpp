// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/terminal.h"

#include <fmt/format.h>

#if !defined(_WIN32)
#include <sys/ioctl.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "fit/shown_text.h"

namespace polytask::detail {

namespace {

// -1 where it is none of the process's own.
int descriptor_of(const std::ostream& stream) {
  if (&stream == &std::cout) {
    return 1;
  }
  return &stream == &std::cerr || &stream == &std::clog ? 2 : -1;
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_dumb() {
  const auto terminal = environment("TERM");
  return terminal.empty() || terminal == "dumb";
}

bool has_utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto locale = environment(name);
    if (!locale.empty()) { // the first one counts
      return locale.find("UTF-8") != std::string_view::npos ||
          locale.find("utf8") != std::string_view::npos;
    }
  }
  return false;
}

// Without the sequences that set colours.
size_t visible_width(std::string_view line) {
  std::string shown;
  for (size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\x1b') {
      at = std::min(line.find('m', at), line.size());
    } else {
      shown += line[at];
    }
  }
  return text_width(shown);
}

} // namespace

bool is_terminal(const std::ostream& stream) {
#if defined(_WIN32)
  return false;
#else
  const int descriptor = descriptor_of(stream);
  return descriptor >= 0 && ::isatty(descriptor) == 1 && !is_dumb();
#endif
}

TerminalSize terminal_size(const std::ostream& stream) {
  TerminalSize size;
#if !defined(_WIN32)
  winsize window{};
  const int descriptor = descriptor_of(stream);
  if (descriptor >= 0 && ::ioctl(descriptor, TIOCGWINSZ, &window) == 0) {
    size.columns = window.ws_col > 0 ? window.ws_col : size.columns;
    size.rows = window.ws_row > 0 ? window.ws_row : size.rows;
  }
#endif
  return size;
}

TerminalStyle terminal_style(const std::ostream& stream) {
  return {
      is_terminal(stream) && environment("NO_COLOR").empty(),
      has_utf8_locale()};
}

std::string LiveLines::draw(std::vector<std::string> lines, TerminalSize size) {
  // A window that became narrower has wrapped the lines that are there.
  size_t up = 0;
  const size_t columns = std::max<size_t>(size.columns, 1);
  for (const size_t width : widths_) {
    up += std::max<size_t>((width + columns - 1) / columns, 1);
  }
  up = std::min(up, std::max<size_t>(size.rows, 1) - 1);
  std::string text = up > 0 ? fmt::format("\x1b[{}A\r", up) : "";
  widths_.clear();
  for (const auto& line : lines) {
    text += line + "\x1b[K\n";
    widths_.push_back(visible_width(line));
  }
  return text + "\x1b[J"; // what is left of more lines before
}

} // namespace polytask::detail
