// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace polytask::detail {

/// A text as a cell of comma-separated values, quoted where it must be (RFC
/// 4180).
inline std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char symbol : text) {
    quoted += symbol == '"' ? "\"\"" : std::string(1, symbol);
  }
  return quoted + '"';
}

} // namespace polytask::detail
