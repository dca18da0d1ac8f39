// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "fit/report/axis.h"
#include "fit/report/curves.h"

namespace polytask::fit::detail {

struct ChartLine {
  const ReportCurve* curve = nullptr;
  std::string label;
  size_t colour = 0; // of kReportStyle
  /// Where the curve's best value is marked.
  std::optional<size_t> best;
};

struct ChartSize {
  size_t points = 400; // of a line
  size_t hovers = 60;  // places that show their numbers
};

constexpr size_t kChartColours = 12;

/// A chart in SVG, in a figure with its title; a sentence where no value is a
/// finite number. A line is broken where one is not.
std::string line_chart(
    const std::string& title,
    const std::vector<ChartLine>& lines,
    const History& history,
    const TimeAxis& time,
    ChartSize size);

} // namespace polytask::fit::detail
