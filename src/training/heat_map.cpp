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

std::string heat_map(
    const std::vector<std::string>& names, const at::Tensor& values) {
  constexpr size_t kPrinted = 24; // more fields in a row are left blank
  const size_t cell = names.size() <= kPrinted ? 40 : 14;
  size_t longest = 0;
  for (const auto& name : names) {
    longest = std::max(longest, name.size());
  }
  const size_t margin = 16 + 7 * longest;
  const size_t side = margin + cell * names.size() + 8;
  const auto at = values.accessor<double, 2>();
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {0}\" "
      "width=\"{0}\" height=\"{0}\" font-family=\"sans-serif\" "
      "font-size=\"11\">\n<title>Mean cosine of the tasks' gradients</title>\n"
      "<rect width=\"{0}\" height=\"{0}\" fill=\"#fff\"/>\n",
      side);
  for (size_t i = 0; i < names.size(); ++i) {
    const size_t middle = margin + cell * i + cell / 2 + 4;
    text += fmt::format(
        "<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{2}</text>"
        "<text transform=\"translate({1} {0}) rotate(-90)\">{2}</text>\n",
        margin - 6,
        middle,
        xml_text(names[i]));
    for (size_t j = 0; j < names.size(); ++j) {
      const double value = at[static_cast<int64_t>(i)][static_cast<int64_t>(j)];
      const auto printed =
          std::isnan(value) ? std::string("-") : fmt::format("{:.2f}", value);
      text += fmt::format(
          "<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" "
          "fill=\"{3}\" stroke=\"#fff\"><title>{4}, {5}: {6}</title></rect>",
          margin + cell * j,
          margin + cell * i,
          cell,
          colour_of(value),
          xml_text(names[i]),
          xml_text(names[j]),
          printed);
      if (names.size() <= kPrinted) {
        text += fmt::format(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{}\" "
            "pointer-events=\"none\">{}</text>",
            margin + cell * j + cell / 2,
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
