// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <polytask/core/api.h>

namespace polytask::detail {

/// The text without what would move a terminal's cursor or change its colours,
/// and with a question mark for each byte that is not UTF-8.
POLYTASK_API std::string printable(std::string_view text);

/// How many columns of a terminal a printable text takes.
POLYTASK_API size_t text_width(std::string_view text);

/// The text, cut and with `ellipsis` at its end where it is wider.
POLYTASK_API std::string cut_to_width(
    const std::string& text, size_t width, std::string_view ellipsis = "..");

/// The text with spaces after it, or before it, up to a width.
POLYTASK_API std::string left_aligned(const std::string& text, size_t width);
POLYTASK_API std::string right_aligned(const std::string& text, size_t width);

/// With four digits; "-" for NaN.
POLYTASK_API std::string short_number(double number);

/// As "45 s", "2 min", "1 h 20 min", "3 d 4 h".
POLYTASK_API std::string short_duration(double seconds);

} // namespace polytask::detail
