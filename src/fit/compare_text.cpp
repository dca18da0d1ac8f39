// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <polytask/fit/comparison.h>
#include <polytask/fit/report.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/csv_cell.h"
#include "core/write_file.h"
#include "fit/shown_text.h"

namespace polytask::fit {

namespace {

using CompareCells = std::vector<std::vector<std::string>>;

constexpr size_t kFewComparedTasks = 8;

template <typename Number>
double mean_of_seeds(const std::vector<Number>& values) {
  double sum = 0;
  for (const Number value : values) {
    sum += static_cast<double>(value);
  }
  return sum / static_cast<double>(values.size());
}

std::string spread_text(const Comparison::Spread& spread) {
  const std::string mean = polytask::detail::short_number(spread.mean);
  return std::isnan(spread.deviation)
      ? mean
      : fmt::format("{} ± {:.2g}", mean, spread.deviation);
}

std::string percent_text(const Comparison::Spread& spread) {
  if (std::isnan(spread.mean)) {
    return "-";
  }
  return std::isnan(spread.deviation)
      ? fmt::format("{:+.2f}", spread.mean)
      : fmt::format("{:+.2f} ± {:.2f}", spread.mean, spread.deviation);
}

std::string time_text(double seconds) {
  return seconds < 60 ? fmt::format("{:.2f} s", seconds)
                      : polytask::detail::short_duration(seconds);
}

std::string compared_task_text(const Comparison::Task& task) {
  return polytask::detail::printable(fmt::format(
      "{} ({} {})", task.name, task.metric, task.higher_is_better ? "↑" : "↓"));
}

// The first line holds the titles.
CompareCells comparison_cells(const Comparison& comparison) {
  CompareCells cells(1);
  cells[0].emplace_back("method");
  for (const auto& task : comparison.tasks()) {
    cells[0].push_back(compared_task_text(task));
  }
  cells[0].insert(cells[0].end(), {"Δm, %", "steps", "time"});
  const auto& methods = comparison.methods();
  for (size_t m = 0; m < methods.size(); ++m) {
    auto& line = cells.emplace_back();
    line.push_back(polytask::detail::printable(methods[m].name));
    for (const auto& task : comparison.tasks()) {
      line.push_back(
          spread_text(comparison.spread(methods[m].name, task.name)));
    }
    line.push_back(
        m == 0 ? "0"
               : percent_text(comparison.delta_m_spread(methods[m].name)));
    line.push_back(fmt::format("{:.0f}", mean_of_seeds(methods[m].steps)));
    line.push_back(time_text(mean_of_seeds(methods[m].seconds)));
  }
  return cells;
}

// Of each task, and of all: by how much it is better than alone.
CompareCells better_by_cells(const Comparison& comparison) {
  const auto& methods = comparison.methods();
  CompareCells cells{{"task"}};
  for (size_t m = 1; m < methods.size(); ++m) {
    cells[0].push_back(methods[m].name);
  }
  for (size_t t = 0; t < comparison.tasks().size(); ++t) {
    const auto& task = comparison.tasks()[t];
    auto& line = cells.emplace_back();
    line.push_back(compared_task_text(task));
    for (size_t m = 1; m < methods.size(); ++m) {
      std::vector<double> by_seed;
      for (size_t s = 0; s < comparison.seeds().size(); ++s) {
        by_seed.push_back(better_by_percent(
            methods[m].values[t][s],
            methods[0].values[t][s],
            task.higher_is_better));
      }
      line.push_back(percent_text({mean_of_seeds(by_seed), std::nan("")}));
    }
  }
  return cells;
}

CompareCells transposed(const CompareCells& cells) {
  CompareCells other(cells[0].size());
  for (const auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i) {
      other[i].push_back(line[i]);
    }
  }
  return other;
}

std::string comparison_note(const Comparison& comparison) {
  const size_t seeds = comparison.seeds().size();
  std::string note = seeds == 1
      ? "One seed, so no spread is known."
      : fmt::format("Mean ± sample standard deviation over {} seeds.", seeds);
  note += fmt::format(
      " Values are those of the test rows. Δm: by how much the tasks are "
      "better than '{}' with the same seed, their mean; above 0 is better. "
      "Steps and time of '{}' are the sum over its tasks.",
      comparison.methods().front().name,
      comparison.methods().front().name);
  if (!comparison.left_out().empty()) {
    note += fmt::format(
        " Not in Δm, as alone they are at 0 or at no number: {}.",
        polytask::detail::quoted(comparison.left_out()));
  }
  return polytask::detail::printable(note);
}

// In a table of Markdown a bar begins the next column.
std::string markdown_cell(const std::string& text) {
  std::string escaped;
  for (const char symbol : text) {
    escaped += symbol == '|' ? "\\|" : std::string(1, symbol);
  }
  return escaped;
}

std::string markdown_table(CompareCells cells) {
  std::vector<size_t> widths(cells[0].size(), 3);
  for (auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i) {
      line[i] = markdown_cell(line[i]);
      widths[i] = std::max(widths[i], polytask::detail::text_width(line[i]));
    }
  }
  std::string text;
  for (size_t row = 0; row < cells.size(); ++row) {
    for (size_t i = 0; i < widths.size(); ++i) {
      text += "| " +
          (i == 0 ? polytask::detail::left_aligned(cells[row][i], widths[i])
                  : polytask::detail::right_aligned(cells[row][i], widths[i])) +
          ' ';
    }
    text += "|\n";
    for (size_t i = 0; row == 0 && i < widths.size(); ++i) {
      text += i == 0 ? '|' + std::string(widths[i] + 2, '-')
                     : '|' + std::string(widths[i] + 1, '-') + ':';
    }
    text += row == 0 ? "|\n" : "";
  }
  return text;
}

// Of some arithmetic NaN has a sign.
std::string comparison_number(double number) {
  return std::isnan(number) ? "nan" : fmt::format("{}", number);
}

// A line for each seed, so that the page's own mean over them is the mean
// Delta-m.
std::vector<Report::Baseline> report_baselines(
    const Comparison& comparison, const Comparison::Method& method) {
  std::vector<Report::Baseline> baselines;
  const auto& alone = comparison.methods().front();
  const auto& left_out = comparison.left_out();
  for (size_t t = 0; t < comparison.tasks().size(); ++t) {
    const auto& task = comparison.tasks()[t];
    if (std::find(left_out.begin(), left_out.end(), task.name) !=
        left_out.end()) {
      continue;
    }
    for (size_t s = 0; s < comparison.seeds().size(); ++s) {
      baselines.push_back(
          {task.name,
           fmt::format(
               "{}, {}, seed {}",
               task.metric,
               method.name,
               comparison.seeds()[s]),
           alone.values[t][s],
           method.values[t][s],
           task.higher_is_better});
    }
  }
  return baselines;
}

Report::Table report_table(
    std::string title, std::string note, const CompareCells& cells) {
  return {
      std::move(title),
      std::move(note),
      cells.front(),
      {cells.begin() + 1, cells.end()}};
}

} // namespace

std::string Comparison::markdown() const {
  const CompareCells cells = comparison_cells(*this);
  return markdown_table(
             tasks_.size() > kFewComparedTasks ? transposed(cells) : cells) +
      '\n' + comparison_note(*this) + '\n';
}

std::string Comparison::csv() const {
  std::string text = "method,seed,task,metric,value,better_by_percent\n";
  for (const auto& method : methods_) {
    const auto by_seed = delta_m(method.name);
    for (size_t s = 0; s < seeds_.size(); ++s) {
      const std::string start = fmt::format(
          "{},{},", polytask::detail::csv_cell(method.name), seeds_[s]);
      for (size_t t = 0; t < tasks_.size(); ++t) {
        text += fmt::format(
            "{}{},{},{},{}\n",
            start,
            polytask::detail::csv_cell(tasks_[t].name),
            polytask::detail::csv_cell(tasks_[t].metric),
            comparison_number(method.values[t][s]),
            comparison_number(better_by_percent(
                method.values[t][s],
                methods_.front().values[t][s],
                tasks_[t].higher_is_better)));
      }
      text +=
          fmt::format("{},delta_m,{},\n", start, comparison_number(by_seed[s]));
      text += fmt::format("{},steps,{},\n", start, method.steps[s]);
      text += fmt::format("{},seconds,{},\n", start, method.seconds[s]);
    }
  }
  return text;
}

void Comparison::write_markdown(const std::string& path) const {
  polytask::detail::write_file("Comparison", path, markdown());
}

void Comparison::write_csv(const std::string& path) const {
  polytask::detail::write_file("Comparison", path, csv());
}

void Comparison::write_report(
    const std::string& path, const std::string& title) const {
  History history;
  history.stop_reason(fmt::format(
      "all runs of {} methods with {} seeds", methods_.size(), seeds_.size()));
  Report report;
  report.title = title;
  report.facts = facts_;
  report.history = &history;
  for (const auto& task : tasks_) {
    report.tasks.push_back(task.name);
  }
  report.tables.push_back(
      report_table("Methods", comparison_note(*this), comparison_cells(*this)));
  if (methods_.size() > 1) {
    report.tables.push_back(report_table(
        "Better than alone, %",
        "Of each task, the mean over the seeds.",
        better_by_cells(*this)));
    report.baselines = report_baselines(*this, methods_[1]);
  }
  fit::write_report(path, report);
}

std::ostream& operator<<(std::ostream& stream, const Comparison& comparison) {
  return stream << comparison.markdown();
}

} // namespace polytask::fit
