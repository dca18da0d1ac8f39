// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace correlated {

namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 320;
constexpr double kLeft = 62, kRight = 130, kTop = 18, kBottom = 42;
constexpr std::array<const char*, 6> kColours = {
    "#4477aa", "#ee6677", "#228833", "#aa3377", "#ccbb44", "#66ccee"};

// A round number that divides `largest` into three to eight parts.
double grid_step(double largest) {
  const double power = std::pow(10, std::floor(std::log10(largest / 3)));
  for (const double factor : {5.0, 2.0}) {
    if (factor * power <= largest / 3) {
      return factor * power;
    }
  }
  return power;
}

double across(size_t place, size_t count, size_t curve, size_t curves) {
  const double cell = (kWidth - kLeft - kRight) / static_cast<double>(count);
  // Beside each other, so that bars can be told apart.
  const double aside = 7 * (static_cast<double>(curve) - (static_cast<double>(curves) - 1) / 2);
  return kLeft + cell * (static_cast<double>(place) + 0.5) + aside;
}

double down(double value, double largest) {
  return kTop + (kHeight - kTop - kBottom) * (1 - std::clamp(value / largest, 0.0, 1.0));
}

std::string axes(const std::vector<double>& correlations, double largest) {
  std::string text;
  const double step = grid_step(largest);
  for (int i = 0; i * step <= largest; ++i) {
    text += fmt::format(
        "<path d=\"M{0} {1:.1f}H{2}\" stroke=\"#ddd\"/><text x=\"{3}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5:.3g}</text>\n",
        kLeft, down(i * step, largest), kWidth - kRight, kLeft - 6, down(i * step, largest) + 4,
        i * step);
  }
  for (size_t i = 0; i < correlations.size(); ++i) {
    text += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
        across(i, correlations.size(), 0, 1), kHeight - kBottom + 18, correlations[i]);
  }
  return text +
      fmt::format(
          "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">correlation of the tasks' "
          "weights</text><text transform=\"translate(14 {:.1f}) rotate(-90)\" "
          "text-anchor=\"middle\">mean squared error</text>\n",
          (kLeft + kWidth - kRight) / 2, kHeight - 6, (kTop + kHeight - kBottom) / 2);
}

} // namespace

std::string draw(const std::vector<double>& correlations, const std::vector<Curve>& curves) {
  double largest = 1e-12;
  for (const auto& curve : curves) {
    for (size_t i = 0; i < curve.means.size(); ++i) {
      largest = std::max(largest, curve.means[i] + curve.deviations[i]);
    }
  }
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>Error of two tasks by "
      "their correlation</title>\n<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
      kWidth, kHeight);
  text += axes(correlations, largest);
  for (size_t c = 0; c < curves.size(); ++c) {
    std::string line, bars, dots;
    for (size_t i = 0; i < correlations.size(); ++i) {
      const double x = across(i, correlations.size(), c, curves.size());
      const double y = down(curves[c].means[i], largest);
      line += fmt::format("{}{:.1f} {:.1f}", i ? "L" : "M", x, y);
      bars += fmt::format("M{:.1f} {:.1f}V{:.1f}", x,
          down(curves[c].means[i] + curves[c].deviations[i], largest),
          down(curves[c].means[i] - curves[c].deviations[i], largest));
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", x, y);
    }
    const double row = kTop + 16 + 20 * static_cast<double>(c);
    text += fmt::format(
        "<g stroke=\"{0}\" fill=\"{0}\"><path d=\"{1}\" fill=\"none\" stroke-opacity=\"0.5\"/>"
        "<path d=\"{2}\" stroke-width=\"1.6\"/>{3}<circle cx=\"{4}\" cy=\"{5}\" r=\"3.5\"/></g>"
        "<text x=\"{6}\" y=\"{7}\">{8}</text>\n",
        kColours[c % kColours.size()], line, bars, dots, kWidth - kRight + 16, row,
        kWidth - kRight + 28, row + 4, curves[c].name);
  }
  return text + "</svg>\n";
}

} // namespace correlated
