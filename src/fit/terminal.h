// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::detail {

struct TerminalSize {
  size_t columns = 80;
  size_t rows = 24;
};

/// What a terminal can show.
struct TerminalStyle {
  bool colours = false;
  bool unicode = false;
};

/// Whether this is `std::cout`, `std::cerr` or `std::clog`, and goes to a
/// terminal that can move its cursor.
POLYTASK_API bool is_terminal(const std::ostream& stream);
/// Asks anew at each call: windows change.
POLYTASK_API TerminalSize terminal_size(const std::ostream& stream);
/// By what the environment says: NO_COLOR, TERM, and the locale.
POLYTASK_API TerminalStyle terminal_style(const std::ostream& stream);

/// Lines at the end of what a terminal shows, each of which replaces those
/// before. Between two drawings the cursor is at the start of the line below.
class POLYTASK_API LiveLines {
 public:
  /// What to print so that the lines stand where the last ones stood. They are
  /// narrower than the terminal, and fewer than its rows.
  std::string draw(std::vector<std::string> lines, TerminalSize size);

 private:
  std::vector<size_t> widths_; // of the lines that are there now
};

} // namespace polytask::detail
