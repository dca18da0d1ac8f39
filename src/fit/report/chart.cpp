// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report/chart.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "fit/report/markup.h"
#include "fit/shown_text.h"

namespace polytask::fit::detail {

namespace {

using polytask::detail::short_number;

constexpr double kWidth = 320;
constexpr double kHeight = 168;
constexpr double kLeft = 44; // of the lines' area
constexpr double kRight = 312;
constexpr double kTop = 8;
constexpr double kBottom = 142;

struct ChartScale {
  const History& history;
  const TimeAxis& time;
  ValueAxis value;

  const HistoryRecord& record(const ReportCurve& curve, size_t place) const {
    return history.records()[curve.records[place]];
  }
  double x(const ReportCurve& curve, size_t place) const {
    return kLeft + (kRight - kLeft) * time.part(record(curve, place));
  }
  double y(double of) const {
    return kBottom - (kBottom - kTop) * value.part(of);
  }
};

std::string grid_of(const ChartScale& scale) {
  std::string lines;
  std::string labels;
  for (const auto& tick : scale.value.ticks()) {
    const double y = scale.y(tick.value);
    lines += fmt::format("M{} {:.1f}H{}", kLeft, y, kRight);
    labels += fmt::format(
        R"(<text class="e" x="{}" y="{:.1f}">{}</text>)",
        kLeft - 5,
        y + 3.5,
        tick.label);
  }
  for (const auto& tick : scale.time.ticks()) {
    const double x = kLeft + (kRight - kLeft) * scale.time.part(tick);
    lines += fmt::format("M{:.1f} {}v4", x, kBottom);
    labels += fmt::format(
        R"(<text class="m" x="{:.1f}" y="{}">{}</text>)",
        x,
        kBottom + 16,
        tick.label);
  }
  return fmt::format(
      R"(<path class="g" d="{}M{} {}H{}"/>{})",
      lines,
      kLeft,
      kBottom,
      kRight,
      labels);
}

// Lines between neighbours, and dots for values that have none.
std::string path_of(
    const ChartLine& line, const ChartScale& scale, size_t points) {
  std::string path;
  std::string dots;
  std::vector<std::string> run; // of finite values
  const auto end_run = [&] {
    if (run.size() == 1) {
      dots += 'M' + run[0] + "h0";
    } else if (!run.empty()) {
      path += fmt::format("M{}", fmt::join(run, " "));
    }
    run.clear();
  };
  for (const size_t place : thinned(*line.curve, points)) {
    const double value = line.curve->values[place];
    if (std::isfinite(value)) {
      run.push_back(fmt::format(
          "{:.1f} {:.1f}", scale.x(*line.curve, place), scale.y(value)));
    } else {
      end_run();
    }
  }
  end_run();
  std::string svg;
  if (!path.empty()) {
    svg += fmt::format(R"(<path class="l s{}" d="{}"/>)", line.colour, path);
  }
  if (!dots.empty()) {
    svg += fmt::format(R"(<path class="d s{}" d="{}"/>)", line.colour, dots);
  }
  return svg;
}

// The value of a curve at a record, or at the next one after it.
std::string value_at(const ReportCurve& curve, uint32_t record, bool is_exact) {
  const auto next =
      std::lower_bound(curve.records.begin(), curve.records.end(), record);
  if (next == curve.records.end() || (is_exact && *next != record)) {
    return "-";
  }
  return short_number(
      curve.values[static_cast<size_t>(next - curve.records.begin())]);
}

// Strips side by side, each of which tells the values at a place of the longest
// line.
std::string hovers_of(
    const std::vector<ChartLine>& lines,
    const ChartScale& scale,
    size_t hovers) {
  const auto& main = *std::max_element(
      lines.begin(), lines.end(), [](const auto& a, const auto& b) {
        return a.curve->size() < b.curve->size();
      });
  const ReportCurve& curve = *main.curve;
  const size_t count = std::min(hovers, curve.size());
  std::vector<size_t> places(count);
  for (size_t i = 0; i < count; ++i) {
    places[i] = count > 1 ? i * (curve.size() - 1) / (count - 1) : 0;
  }
  std::string strips;
  double from = kLeft;
  for (size_t i = 0; i < count; ++i) {
    const auto& record = scale.record(curve, places[i]);
    const double to = i + 1 < count
        ? (scale.x(curve, places[i]) + scale.x(curve, places[i + 1])) / 2
        : kRight;
    std::string text =
        fmt::format("epoch {}, step {}", record.epoch, record.step);
    for (const auto& line : lines) {
      text += fmt::format(
          "\n{}: {}",
          html_text(line.label),
          value_at(
              *line.curve,
              curve.records[places[i]],
              line.curve->split == curve.split));
    }
    strips += fmt::format(
        "<rect class=\"h\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" "
        "height=\"{}\"><title>{}</title></rect>",
        from,
        kTop,
        std::max(to - from, 0.0),
        kBottom - kTop,
        text);
    from = to;
  }
  return strips;
}

std::string best_mark(const ChartLine& line, const ChartScale& scale) {
  if (!line.best) {
    return "";
  }
  const auto& record = scale.record(*line.curve, *line.best);
  const double value = line.curve->values[*line.best];
  return fmt::format(
      "<circle class=\"b s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\">"
      "<title>best {}: {} (epoch {}, step {})</title></circle>",
      line.colour,
      scale.x(*line.curve, *line.best),
      scale.y(value),
      html_text(line.label),
      short_number(value),
      record.epoch,
      record.step);
}

} // namespace

std::string line_chart(
    const std::string& title,
    const std::vector<ChartLine>& lines,
    const History& history,
    const TimeAxis& time,
    ChartSize size) {
  double least = std::numeric_limits<double>::infinity();
  double greatest = -least;
  size_t others = 0; // neither finite nor left out
  for (const auto& line : lines) {
    for (const double value : line.curve->values) {
      if (std::isfinite(value)) {
        least = std::min(least, value);
        greatest = std::max(greatest, value);
      } else {
        ++others;
      }
    }
  }
  std::string html = "<figure><figcaption>" + html_text(title);
  if (!(least <= greatest)) {
    return html + ": no finite value</figcaption></figure>\n";
  }
  const ChartScale scale{history, time, ValueAxis::of(least, greatest)};
  if (scale.value.is_logarithmic()) {
    html += ", logarithmic";
  }
  if (others > 0) {
    html += fmt::format(", {} not finite", others);
  }
  html += fmt::format(
      "</figcaption>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" "
      "aria-label=\"{}, from {} to {}\">",
      kWidth,
      kHeight,
      html_text(title),
      short_number(least),
      short_number(greatest));
  html += grid_of(scale);
  for (const auto& line : lines) {
    html += path_of(line, scale, size.points);
  }
  html += hovers_of(lines, scale, size.hovers);
  for (const auto& line : lines) {
    html += best_mark(line, scale);
  }
  return html + "</svg></figure>\n";
}

} // namespace polytask::fit::detail
