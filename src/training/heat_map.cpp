// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace polytask::detail {

namespace {

std::string xml_text(const std::string& text) {
  std::string safe;
  for (const char symbol : text) {
    switch (symbol) {
      case '<':
        safe += "&lt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      default:
        safe += symbol;
    }
  }
  return safe;
}

// From red through white to blue.
std::string colour_of(double value) {
  if (std::isnan(value)) {
    return "#cccccc";
  }
  const double strength = std::min(std::abs(value), 1.0);
  const auto shade = [&](double full) {
    return static_cast<int>(std::lround(255 + strength * (full - 255)));
  };
  return value < 0
      ? fmt::format("#{:02x}{:02x}{:02x}", shade(200), shade(40), shade(40))
      : fmt::format("#{:02x}{:02x}{:02x}", shade(40), shade(90), shade(200));
}

} // namespace

std::string heat_map(const HeatMap& map) {
  constexpr size_t kPrinted = 24; // more fields in a row are left blank
  const auto longest = [](const std::vector<std::string>& names) {
    size_t length = 0;
    for (const auto& name : names) {
      length = std::max(length, name.size());
    }
    return length;
  };
  const bool is_printed = map.columns.size() <= kPrinted;
  const size_t cell = is_printed ? 40 : 14;
  const size_t left = 16 + 7 * longest(map.rows);
  const size_t top = 16 + 7 * longest(map.columns);
  const auto at = map.values.accessor<double, 2>();
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" "
      "width=\"{0}\" height=\"{1}\" font-family=\"sans-serif\" "
      "font-size=\"11\">\n<title>{2}</title>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
      left + cell * map.columns.size() + 8,
      top + cell * map.rows.size() + 8,
      xml_text(map.title));
  for (size_t j = 0; j < map.columns.size(); ++j) {
    text += fmt::format(
        "<text transform=\"translate({} {}) rotate(-90)\">{}</text>\n",
        left + cell * j + cell / 2 + 4,
        top - 6,
        xml_text(map.columns[j]));
  }
  for (size_t i = 0; i < map.rows.size(); ++i) {
    const size_t middle = top + cell * i + cell / 2 + 4;
    text += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
        left - 6,
        middle,
        xml_text(map.rows[i]));
    for (size_t j = 0; j < map.columns.size(); ++j) {
      const double value = at[static_cast<int64_t>(i)][static_cast<int64_t>(j)];
      const auto printed =
          std::isnan(value) ? std::string("-") : fmt::format("{:.2f}", value);
      text += fmt::format(
          "<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" "
          "fill=\"{3}\" stroke=\"#fff\"><title>{4}, {5}: {6}</title></rect>",
          left + cell * j,
          top + cell * i,
          cell,
          colour_of(value),
          xml_text(map.rows[i]),
          xml_text(map.columns[j]),
          printed);
      if (is_printed) {
        text += fmt::format(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{}\" "
            "pointer-events=\"none\">{}</text>",
            left + cell * j + cell / 2,
            middle,
            std::abs(value) > 0.6 ? "#fff" : "#111",
            printed);
      }
      text += '\n';
    }
  }
  return text + "</svg>\n";
}

} // namespace polytask::detail
