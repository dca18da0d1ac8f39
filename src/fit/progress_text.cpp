// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/progress_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "fit/shown_text.h"

namespace polytask::fit::detail {

namespace {

using polytask::detail::cut_to_width;
using polytask::detail::left_aligned;
using polytask::detail::printable;
using polytask::detail::right_aligned;
using polytask::detail::short_duration;
using polytask::detail::short_number;
using polytask::detail::TerminalSize;
using polytask::detail::TerminalStyle;
using polytask::detail::text_width;

constexpr auto kBold = "\x1b[1m";
constexpr auto kDim = "\x1b[2m";
constexpr auto kGreen = "\x1b[32m";

std::string coloured(
    const std::string& text, const char* colour, TerminalStyle style) {
  return style.colours && !text.empty() ? colour + text + "\x1b[0m" : text;
}

// "3/100", or "3" where nobody knows of how many.
std::string count_of(int64_t number, int64_t all) {
  return all > 0 ? fmt::format("{}/{}", number, all)
                 : fmt::format("{}", number);
}

std::string speed_of(double steps_per_second) {
  return steps_per_second < 10
      ? fmt::format("{:.2g} steps/s", steps_per_second)
      : fmt::format("{:.0f} steps/s", steps_per_second);
}

std::vector<std::string> pace_of(const ProgressMoment& moment) {
  std::vector<std::string> pieces;
  if (!std::isnan(moment.steps_per_second)) {
    pieces.push_back(speed_of(moment.steps_per_second));
  }
  if (!std::isnan(moment.seconds_left)) {
    pieces.push_back(short_duration(moment.seconds_left) + " left");
  }
  return pieces;
}

std::string bar_of(double part, size_t width, TerminalStyle style) {
  const auto full = static_cast<size_t>(
      std::lround(std::clamp(part, 0.0, 1.0) * static_cast<double>(width)));
  std::string done;
  std::string rest;
  for (size_t i = 0; i < width; ++i) {
    if (style.unicode) {
      (i < full ? done : rest) += i < full ? "\u2501" : "\u2500";
    } else {
      (i < full ? done : rest) += i < full ? '#' : '.';
    }
  }
  return coloured(done, kGreen, style) + coloured(rest, kDim, style);
}

// The epoch and its bar; what else there is beside it, or below where the
// terminal is narrow.
std::vector<std::string> head_lines(
    const ProgressMoment& moment, size_t width, TerminalStyle style) {
  constexpr size_t kLeast = 10;
  constexpr size_t kMost = 30;
  constexpr size_t kUnit = 5; // or the bar would shake with each digit
  std::vector<std::string> pieces{
      "step " + count_of(moment.step, moment.steps)};
  for (auto& piece : pace_of(moment)) {
    pieces.push_back(std::move(piece));
  }
  if (!moment.note.empty()) {
    pieces.push_back(printable(moment.note));
  }
  size_t beside = 0;
  for (const auto& piece : pieces) {
    beside += 2 + text_width(piece);
  }
  const std::string epoch =
      cut_to_width("epoch " + count_of(moment.epoch, moment.epochs), width);
  size_t room = width - text_width(epoch);
  const bool is_wide = room >= beside + 2 + kLeast;
  room -= is_wide ? beside : 0;
  std::vector<std::string> lines{epoch};
  size_t used = text_width(epoch);
  const double part = moment.part_of_epoch();
  if (!std::isnan(part) && room >= 2 + kLeast) {
    const size_t bar = std::min(room - 2, kMost) / kUnit * kUnit;
    lines[0] += "  " + bar_of(part, bar, style);
    used += 2 + bar;
  }
  if (!is_wide) {
    used = width;
  }
  for (const auto& piece : pieces) {
    if (used + 2 + text_width(piece) <= width) {
      lines.back() += "  " + piece;
      used += 2 + text_width(piece);
    } else {
      lines.push_back(cut_to_width(piece, width));
      used = text_width(lines.back());
    }
  }
  return lines;
}

struct TableColumn {
  std::string title;
  std::string short_title;
  std::vector<std::string> cells;
  bool is_shown = true;

  size_t width(bool is_short) const {
    size_t most = text_width(is_short ? short_title : title);
    for (const auto& cell : cells) {
      most = std::max(most, text_width(cell));
    }
    return most;
  }
};

// The metric's name where all tasks have the same; empty where none has one.
std::string metric_title(const std::vector<ProgressTask>& tasks) {
  std::string title;
  for (const auto& task : tasks) {
    if (task.metric.empty() || task.metric == title) {
      continue;
    }
    if (!title.empty()) {
      return "metric";
    }
    title = task.metric;
  }
  return title;
}

enum TableColumnKind { kTrain, kValidation, kMetric, kBest };

std::vector<TableColumn> table_columns(
    const ProgressMoment& moment, const std::vector<ProgressTask>& rows) {
  const std::string metric = metric_title(moment.tasks);
  std::vector<TableColumn> columns{
      {"train loss", "train", {}},
      {"validation loss", "valid.", {}},
      {printable(metric), cut_to_width(printable(metric), 10), {}},
      {"best (epoch)", "best", {}}};
  for (const auto& row : rows) {
    columns[kTrain].cells.push_back(short_number(row.train_loss));
    columns[kValidation].cells.push_back(short_number(row.validation_loss));
    columns[kMetric].cells.push_back(
        row.metric.empty()       ? ""
            : metric == "metric" ? cut_to_width(printable(row.metric), 10) +
                ' ' + short_number(row.value)
                                 : short_number(row.value));
    columns[kBest].cells.push_back(
        row.best_epoch > 0
            ? fmt::format("{} ({})", short_number(row.best), row.best_epoch)
            : "");
  }
  const auto has_any = [](const std::vector<std::string>& cells) {
    return std::any_of(cells.begin(), cells.end(), [](const auto& cell) {
      return !cell.empty() && cell != "-";
    });
  };
  columns[kMetric].is_shown = !metric.empty();
  columns[kValidation].is_shown = has_any(columns[kValidation].cells);
  columns[kBest].is_shown = has_any(columns[kBest].cells);
  return columns;
}

struct TableLayout {
  size_t name_width = 0;
  bool is_short = false;
};

// What goes first in a narrow terminal: long titles, long names, then columns.
TableLayout fit_into(
    std::vector<TableColumn>& columns, size_t longest_name, size_t width) {
  constexpr size_t kLeastName = 8;
  const size_t least = std::min(longest_name, kLeastName);
  const auto rest = [&](bool is_short) {
    size_t used = 0;
    for (const auto& column : columns) {
      used += column.is_shown ? 2 + column.width(is_short) : 0;
    }
    return width > used ? width - used : 0;
  };
  if (rest(false) >= longest_name) {
    return {longest_name, false};
  }
  for (const auto kind : {kBest, kTrain, kMetric, kValidation}) {
    if (rest(true) >= least) {
      break;
    }
    columns[kind].is_shown = false;
  }
  return {std::min(longest_name, rest(true)), true};
}

} // namespace

std::vector<std::string> progress_table(
    const ProgressMoment& moment, TerminalSize size, TerminalStyle style) {
  const size_t width = std::max<size_t>(size.columns, 2) - 1;
  const size_t height = std::max<size_t>(size.rows, 2) - 1;
  auto lines = head_lines(moment, width, style);
  // The titles, the mean of several tasks, and how many are left out.
  const bool has_mean = moment.tasks.size() > 1;
  const size_t fixed = lines.size() + 1 + (has_mean ? 1 : 0);
  size_t shown = moment.tasks.size();
  if (fixed + shown > height) {
    shown = height > fixed + 1 ? height - fixed - 1 : 0;
  }
  if (shown == 0) {
    lines.resize(std::min(lines.size(), height));
    return lines;
  }
  std::vector<ProgressTask> rows(
      moment.tasks.begin(),
      moment.tasks.begin() + static_cast<std::ptrdiff_t>(shown));
  if (has_mean) {
    rows.push_back(moment.mean);
  }
  auto columns = table_columns(moment, rows);
  size_t longest = 4;
  for (const auto& row : rows) {
    longest = std::max(longest, text_width(printable(row.name)));
  }
  const TableLayout layout = fit_into(columns, longest, width);

  std::string titles =
      left_aligned(cut_to_width("task", layout.name_width), layout.name_width);
  for (const auto& column : columns) {
    if (column.is_shown) {
      titles += "  " +
          right_aligned(
                    layout.is_short ? column.short_title : column.title,
                    column.width(layout.is_short));
    }
  }
  lines.push_back(coloured(titles, kBold, style));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i == shown && shown < moment.tasks.size()) {
      lines.push_back(cut_to_width(
          fmt::format("and {} more", moment.tasks.size() - shown), width));
    }
    std::string line = left_aligned(
        cut_to_width(printable(rows[i].name), layout.name_width),
        layout.name_width);
    const double now =
        rows[i].metric.empty() ? rows[i].validation_loss : rows[i].value;
    for (const auto kind : {kTrain, kValidation, kMetric, kBest}) {
      const auto& column = columns[kind];
      if (!column.is_shown) {
        continue;
      }
      const std::string cell =
          right_aligned(column.cells[i], column.width(layout.is_short));
      const bool is_best = kind == kBest && now == rows[i].best;
      line += "  " + (is_best ? coloured(cell, kGreen, style) : cell);
    }
    lines.push_back(line);
  }
  return lines;
}

std::string progress_line(const ProgressMoment& moment) {
  std::string line = fmt::format(
      "epoch {}  step {}",
      count_of(moment.epoch, moment.epochs),
      count_of(moment.step, moment.steps));
  if (!std::isnan(moment.mean.train_loss)) {
    line += "  loss " + short_number(moment.mean.train_loss);
  }
  if (!moment.goal.name.empty()) {
    line += fmt::format(
        "  {} {}",
        printable(moment.goal.name),
        short_number(moment.goal.value));
    if (moment.goal.best_epoch > 0) {
      line += fmt::format(
          " (best {} at {})",
          short_number(moment.goal.best),
          moment.goal.best_epoch);
    }
  }
  for (const auto& piece : pace_of(moment)) {
    line += "  " + piece;
  }
  if (!moment.note.empty()) {
    line += "  " + printable(moment.note);
  }
  return line;
}

} // namespace polytask::fit::detail
