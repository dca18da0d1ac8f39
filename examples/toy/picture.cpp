// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace toy {

namespace {

constexpr double kRange = 10.5; // both coordinates, to both sides
constexpr double kSize = 190;   // of a panel in pixels
constexpr double kGap = 14;
constexpr double kTitle = 20;
constexpr double kLegend = 26;
constexpr size_t kColumns = 4;
constexpr size_t kShades = 24; // of a path along time
constexpr int kCells = 150;    // of the grid that contour lines are drawn on

double across(double x1) { return (x1 + kRange) / (2 * kRange) * kSize; }
double down(double x2) { return (kRange - x2) / (2 * kRange) * kSize; }

std::string place(const Point& x) { return fmt::format("{:.1f} {:.1f}", across(x[0]), down(x[1])); }

// From yellow to dark violet.
std::string shade(double time) {
  constexpr double kStops[][3] = {
      {250, 200, 30}, {240, 120, 50}, {200, 50, 100}, {110, 20, 140}, {30, 10, 90}};
  const double at = std::clamp(time, 0.0, 1.0) * 4;
  const auto left = std::min(static_cast<size_t>(at), size_t{3});
  const double part = at - static_cast<double>(left);
  std::string colour = "#";
  for (size_t i = 0; i < 3; ++i) {
    const double value = kStops[left][i] + part * (kStops[left + 1][i] - kStops[left][i]);
    colour += fmt::format("{:02x}", static_cast<int>(value));
  }
  return colour;
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char symbol : text) {
    safe += symbol == '<' ? "&lt;" : symbol == '&' ? "&amp;" : std::string(1, symbol);
  }
  return safe;
}

// Where the mean objective crosses `level` on the way from a to b.
std::optional<Point> crossing(
    const Point& a, double at_a, const Point& b, double at_b, double level) {
  if ((at_a < level) == (at_b < level)) {
    return std::nullopt;
  }
  const double part = (level - at_a) / (at_b - at_a);
  return Point{a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])};
}

// Each triangle of a grid that a level crosses gives one piece of its contour line; pieces that
// follow each other along a row of triangles are joined.
std::string contour(const std::vector<std::vector<double>>& grid, double level) {
  const double cell = 2 * kRange / kCells;
  const auto corner = [&](int i, int j) { return Point{-kRange + cell * i, -kRange + cell * j}; };
  const auto value = [&](int i, int j) {
    return grid[static_cast<size_t>(i)][static_cast<size_t>(j)];
  };
  std::string path;
  for (int j = 0; j < kCells; ++j) {
    std::string last;
    for (int i = 0; i < kCells; ++i) {
      for (const int half : {0, 1}) {
        const int corners[3][2] = {{i, j + 1}, {half ? i + 1 : i, half ? j + 1 : j}, {i + 1, j}};
        std::vector<std::string> ends;
        for (size_t k = 0; k < 3; ++k) {
          const auto [ai, aj] = corners[k];
          const auto [bi, bj] = corners[(k + 1) % 3];
          const auto end =
              crossing(corner(ai, aj), value(ai, aj), corner(bi, bj), value(bi, bj), level);
          if (end) {
            ends.push_back(place(*end));
          }
        }
        if (ends.size() != 2 || ends[0] == ends[1]) {
          continue;
        }
        if (ends[1] == last) {
          std::swap(ends[0], ends[1]);
        }
        path += ends[0] == last ? "L" + ends[1] : "M" + ends[0] + "L" + ends[1];
        last = ends[1];
      }
    }
  }
  return path;
}

// What lies below the paths, the same in each panel.
std::string background(double objective_scale) {
  std::vector<std::vector<double>> grid(kCells + 1, std::vector<double>(kCells + 1));
  for (size_t i = 0; i <= kCells; ++i) {
    for (size_t j = 0; j <= kCells; ++j) {
      const double cell = 2 * kRange / kCells;
      const Point x = {
          -kRange + cell * static_cast<double>(i), -kRange + cell * static_cast<double>(j)};
      const auto losses = evaluate(x, objective_scale).losses;
      grid[i][j] = (losses[0] + losses[1]) / 2;
    }
  }
  std::string lines;
  for (int level = -14; level <= 8; level += 2) {
    lines += fmt::format("<path d=\"{}\" stroke=\"#{}\"/>\n",
        contour(grid, level * (1 + objective_scale) / 2), level < 0 ? "b9c6d6" : "d5dbe3");
  }
  std::string front;
  for (int i = -14; i <= 14; ++i) {
    front += (front.empty() ? "M" : "L") + place(pareto_point(i / 2.0));
  }
  return fmt::format(
      "<g id=\"below\" fill=\"none\"><rect width=\"{0}\" height=\"{0}\" fill=\"#fff\"/>\n"
      "<g stroke-width=\".6\">\n{1}</g>\n"
      "<path d=\"{2}\" stroke=\"#888\" stroke-width=\"4\" stroke-linecap=\"round\"/>\n"
      "<rect width=\"{0}\" height=\"{0}\" stroke=\"#777\"/></g>\n",
      kSize, lines, front);
}

// One line for each shade; points that would not be told apart are left out.
std::string line(const Path& path) {
  const auto& points = path.points;
  std::string text;
  Point last = points.front();
  for (size_t part = 0; part < kShades; ++part) {
    const size_t begin = part * (points.size() - 1) / kShades;
    const size_t end = (part + 1) * (points.size() - 1) / kShades;
    std::string piece = "M" + place(last);
    const size_t bare = piece.size();
    for (size_t i = begin + 1; i <= end; ++i) {
      const double moved = std::max(std::abs(across(points[i][0]) - across(last[0])),
          std::abs(down(points[i][1]) - down(last[1])));
      if (moved >= 0.8 || i + 1 == points.size()) {
        last = points[i];
        piece += "L" + place(last);
      }
    }
    if (piece.size() > bare) {
      text += fmt::format("<path d=\"{}\" stroke=\"{}\"/>\n", piece,
          shade((static_cast<double>(part) + 0.5) / kShades));
    }
  }
  return text;
}

std::string marks(const Path& path) {
  const auto& start = path.points.front();
  const auto& end = path.points.back();
  return fmt::format(
      "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"#fff\"/>"
      "<path d=\"M{}m-3.5-3.5l7 7m0-7l-7 7\" stroke-width=\"1.6\"/>\n",
      across(start[0]), down(start[1]), place(end));
}

std::string legend(double width, double top) {
  std::string text =
      fmt::format("<g transform=\"translate({:.0f} {:.0f})\">", width / 2 - 260, top);
  text +=
      "<circle cx=\"5\" cy=\"5\" r=\"3\" fill=\"#fff\" stroke=\"#111\"/><text x=\"14\" "
      "y=\"9\">start</text>";
  for (size_t i = 0; i < kShades; ++i) {
    text += fmt::format("<rect x=\"{}\" y=\"1\" width=\"5.2\" height=\"8\" fill=\"{}\"/>",
        54 + 5 * i, shade((static_cast<double>(i) + 0.5) / kShades));
  }
  text +=
      "<text x=\"182\" y=\"9\">steps</text>"
      "<path d=\"M232 2l7 7m0-7l-7 7\" stroke=\"#111\" stroke-width=\"1.6\"/><text x=\"246\" "
      "y=\"9\">end</text>"
      "<path d=\"M290 5h26\" stroke=\"#888\" stroke-width=\"4\" stroke-linecap=\"round\"/>"
      "<text x=\"324\" y=\"9\">Pareto set</text>"
      "<path d=\"M402 5h26\" stroke=\"#b9c6d6\"/><text x=\"436\" y=\"9\">mean "
      "objective</text></g>\n";
  return text;
}

} // namespace

std::string draw(const std::vector<Panel>& panels, double objective_scale) {
  const size_t columns = std::min(kColumns, panels.size());
  const size_t rows = (panels.size() + columns - 1) / columns;
  const double width = std::max(560.0, static_cast<double>(columns) * (kSize + kGap) + kGap);
  const double height = static_cast<double>(rows) * (kSize + kGap + kTitle) + kLegend;
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<title>Paths of balancing methods on two objectives</title>"
      "<desc>build/dev/examples/toy_pareto --svg docs/figures/toy_pareto.svg</desc>\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#fff\"/>\n"
      "<defs>{2}<clipPath id=\"panel\"><rect width=\"{3}\" height=\"{3}\"/></clipPath></defs>\n",
      width, height, background(objective_scale), kSize);
  for (size_t i = 0; i < panels.size(); ++i) {
    const double left = kGap + static_cast<double>(i % columns) * (kSize + kGap);
    const double top = kTitle + static_cast<double>(i / columns) * (kSize + kGap + kTitle);
    text += fmt::format(
        "<g transform=\"translate({:.0f} {:.0f})\"><text x=\"{}\" y=\"-6\" "
        "text-anchor=\"middle\">{}</text><use href=\"#below\"/>\n"
        "<g clip-path=\"url(#panel)\" fill=\"none\" stroke-width=\"1.7\" "
        "stroke-linejoin=\"round\" stroke-linecap=\"round\">\n",
        left, top, kSize / 2, escaped(panels[i].title));
    for (const auto& path : panels[i].paths) {
      text += line(path);
    }
    text += "<g stroke=\"#111\">\n";
    for (const auto& path : panels[i].paths) {
      text += marks(path);
    }
    text += "</g></g></g>\n";
  }
  return text + legend(width, height - kLegend + 8) + "</svg>\n";
}

} // namespace toy
