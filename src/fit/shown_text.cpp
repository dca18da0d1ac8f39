// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/shown_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace polytask::detail {

namespace {

struct CodePoint {
  char32_t value = 0;
  size_t size = 0; // in bytes; 0 where they are not UTF-8
};

// RFC 3629, without overlong forms and surrogates.
CodePoint code_point(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return {first, 1};
  }
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) {
    return {};
  }
  char32_t value = first & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return {};
    }
    value = value << 6 | (byte(i) & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
  return value < kLeast[size] || value > 0x10ffff || is_surrogate
      ? CodePoint{}
      : CodePoint{value, size};
}

// The blocks that matter of Unicode's EastAsianWidth.txt and of the combining
// marks.
size_t width_of(char32_t value) {
  const auto is_in = [&](char32_t first, char32_t last) {
    return value >= first && value <= last;
  };
  if (is_in(0x300, 0x36f) || is_in(0x200b, 0x200f) || is_in(0x20d0, 0x20ff) ||
      is_in(0xfe00, 0xfe0f)) {
    return 0;
  }
  return is_in(0x1100, 0x115f) || is_in(0x2e80, 0xa4cf) ||
          is_in(0xac00, 0xd7a3) || is_in(0xf900, 0xfaff) ||
          is_in(0xfe30, 0xfe6f) || is_in(0xff00, 0xff60) ||
          is_in(0xffe0, 0xffe6) || is_in(0x1f300, 0x1faff) ||
          is_in(0x20000, 0x3fffd)
      ? 2
      : 1;
}

} // namespace

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const CodePoint point = code_point(text);
    const bool moves = point.value < 0x20 ||
        (point.value >= 0x7f && point.value < 0xa0) || point.value == 0x2028 ||
        point.value == 0x2029 ||
        (point.value >= 0x202a && point.value <= 0x202e);
    const size_t size = std::max<size_t>(point.size, 1);
    if (point.size == 0 || moves) {
      shown += '?';
    } else {
      shown += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return shown;
}

size_t text_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = code_point(text);
    width += width_of(point.value);
    text.remove_prefix(std::max<size_t>(point.size, 1));
  }
  return width;
}

std::string cut_to_width(
    const std::string& text, size_t width, std::string_view ellipsis) {
  if (text_width(text) <= width) {
    return text;
  }
  if (text_width(ellipsis) > width) {
    ellipsis = "";
  }
  const size_t room = width - text_width(ellipsis);
  std::string_view rest = text;
  std::string shown;
  for (size_t used = 0; !rest.empty();) {
    const CodePoint point = code_point(rest);
    const size_t size = std::max<size_t>(point.size, 1);
    used += width_of(point.value);
    if (used > room) {
      break;
    }
    shown += rest.substr(0, size);
    rest.remove_prefix(size);
  }
  return shown.append(ellipsis);
}

std::string left_aligned(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width, text_width(text)), ' ');
}

std::string right_aligned(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text_width(text)), ' ') + text;
}

std::string short_number(double number) {
  if (std::isnan(number)) {
    return "-";
  }
  std::string shown = fmt::format("{:#.4g}", number);
  if (shown.back() == '.') {
    shown.pop_back();
  }
  return shown;
}

std::string short_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e10) {
    return "-";
  }
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  const int64_t minutes = (whole + 30) / 60;
  if (whole < 60) {
    return fmt::format("{} s", whole);
  }
  if (minutes < 60) {
    return fmt::format("{} min", minutes);
  }
  if (minutes < int64_t{24} * 60) {
    return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  }
  const int64_t hours = (whole + 1800) / 3600;
  return fmt::format("{} d {} h", hours / 24, hours % 24);
}

} // namespace polytask::detail
