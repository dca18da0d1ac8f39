// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fit/report/conflict_map.h"
#include "fit/report/markup.h"
#include "fit/shown_text.h"
#include "training/heat_map.h"

namespace polytask::fit::detail {

namespace {

using polytask::detail::short_duration;
using polytask::detail::short_number;

std::string tile(const std::string& value, const std::string& name) {
  return "<div class=\"tile\"><b>" + html_text(value) + "</b><span>" + name +
      "</span></div>";
}

// "12,345".
std::string grouped(int64_t number) {
  std::string text = fmt::format("{}", number);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

bool is_train(const ReportCurve& curve) {
  return curve.split == "train";
}

// The best value and at which epoch.
std::string best_value(
    const ReportData& data, const ReportCurve& curve, bool higher_is_better) {
  const auto best = best_place(curve, higher_is_better);
  return best ? fmt::format(
                    "{} <small>at {}</small>",
                    short_number(curve.values[*best]),
                    data.record(curve, *best).epoch)
              : "-";
}

std::string legend(const std::vector<std::pair<std::string, size_t>>& lines) {
  std::string html = "<ul class=\"key\">";
  for (const auto& [label, colour] : lines) {
    html += fmt::format(
        "<li><i class=\"s{0}\" style=\"border-color:var(--s{0})\"></i>{1}</li>",
        colour,
        html_text(label));
  }
  return html + "</ul>\n";
}

std::string anchor_of(size_t task) {
  return fmt::format("task{}", task);
}

std::string shown_name(const TaskCurves& task) {
  return task.task == "mean" ? "mean of the tasks" : task.task;
}

// One column for each kind and split that any task has.
struct TaskColumn {
  std::string kind;
  std::string split;
};

std::vector<TaskColumn> task_columns(const ReportData& data) {
  std::vector<TaskColumn> columns;
  for (const auto& task : data.tasks) {
    for (const auto& kind : task.kinds) {
      for (const auto* curve : kind.curves) {
        const bool is_known = std::any_of(
            columns.begin(), columns.end(), [&](const TaskColumn& column) {
              return column.kind == kind.name && column.split == curve->split;
            });
        if (!is_known) {
          columns.push_back({kind.name, curve->split});
        }
      }
    }
  }
  return columns;
}

// Null where the task has none.
std::pair<const ReportCurve*, bool> curve_of(
    const TaskCurves& task, const TaskColumn& column) {
  for (const auto& kind : task.kinds) {
    for (const auto* curve : kind.curves) {
      if (kind.name == column.kind && curve->split == column.split) {
        return {curve, kind.higher_is_better};
      }
    }
  }
  return {nullptr, false};
}

double better_by(const Report::Baseline& baseline) {
  const double change =
      (baseline.joint - baseline.alone) / std::abs(baseline.alone);
  return baseline.higher_is_better ? change : -change;
}

HtmlCell percent_cell(double part) {
  if (!std::isfinite(part)) {
    return {"-", "n"};
  }
  if (std::abs(part) < 5e-5) {
    return {"0.00 %", "n"};
  }
  return {fmt::format("{:+.2f} %", 100 * part), part > 0 ? "n good" : "n bad"};
}

} // namespace

std::string summary_section(const ReportData& data) {
  const auto& records = data.report.history->records();
  std::string html = "<div class=\"tiles\">";
  const size_t tasks = data.report.tasks.size();
  html +=
      tile(grouped(static_cast<int64_t>(tasks)), tasks == 1 ? "task" : "tasks");
  if (!records.empty()) {
    html += tile(
        grouped(records.back().epoch),
        records.back().epoch == 1 ? "epoch" : "epochs");
    html += tile(grouped(records.back().step), "steps");
    html += tile(short_duration(records.back().seconds), "time");
  }
  const auto& shown = data.tasks;
  if (!shown.empty()) { // the mean, or the only task
    for (const auto& kind : shown[0].kinds) {
      for (const auto* curve : kind.curves) {
        const auto best = best_place(*curve, kind.higher_is_better);
        if (!is_train(*curve) && best) {
          html += tile(
              short_number(curve->values[*best]),
              html_text(fmt::format(
                  "best {} {}{}, epoch {}",
                  curve->split,
                  kind.name,
                  shown[0].task == "mean" ? ", mean" : "",
                  data.record(*curve, *best).epoch)));
        }
      }
    }
  }
  return html + "</div>\n";
}

std::string tasks_section(const ReportData& data) {
  if (data.tasks.empty()) {
    return "";
  }
  const auto columns = task_columns(data);
  std::vector<std::string> titles{"Task"};
  for (const auto& column : columns) {
    titles.push_back(html_text(column.split + ' ' + column.kind));
    if (column.split != "train") {
      titles.emplace_back("last");
    }
  }
  std::vector<std::vector<HtmlCell>> rows;
  for (size_t i = 0; i < data.tasks.size(); ++i) {
    auto& row = rows.emplace_back();
    row.push_back(
        {fmt::format(
             "<a href=\"#{}\">{}</a>",
             anchor_of(i),
             html_text(shown_name(data.tasks[i]))),
         ""});
    for (const auto& column : columns) {
      const auto [curve, higher_is_better] = curve_of(data.tasks[i], column);
      if (column.split != "train") {
        row.push_back(
            {curve ? best_value(data, *curve, higher_is_better) : "", "n"});
      }
      row.push_back({curve ? short_number(curve->values.back()) : "", "n"});
    }
  }
  return "<section id=\"tasks\"><h2>Tasks</h2>\n<p class=\"soft\">Of training "
         "the last value; of validation the best one, at which epoch, and the "
         "last one.</p>\n" +
      html_table("", titles, rows) + "</section>\n";
}

std::string curves_section(const ReportData& data) {
  if (data.tasks.empty()) {
    return "";
  }
  std::string html = fmt::format(
      "<section id=\"curves\"><h2>Curves</h2>\n<p class=\"soft\">Over {}s; a "
      "ring marks the best value.</p>\n",
      data.time.label());
  std::vector<std::pair<std::string, size_t>> lines;
  for (const auto& split : data.splits) {
    lines.emplace_back(split, data.colour_of(split));
  }
  html += legend(lines);
  // Tasks of one chart each stand beside each other.
  const bool is_small = std::all_of(
      data.tasks.begin(), data.tasks.end(), [](const TaskCurves& task) {
        return task.kinds.size() < 2;
      });
  html += is_small ? "<div class=\"charts\">\n" : "<div>\n";
  for (size_t i = 0; i < data.tasks.size(); ++i) {
    html += fmt::format(
        "<div class=\"card task\" id=\"{}\"><h3>{}</h3><div "
        "class=\"charts\">\n",
        anchor_of(i),
        html_text(shown_name(data.tasks[i])));
    for (const auto& kind : data.tasks[i].kinds) {
      std::vector<ChartLine> chart;
      for (const auto* curve : kind.curves) {
        ChartLine line{
            curve, curve->split, data.colour_of(curve->split), std::nullopt};
        if (!is_train(*curve)) {
          line.best = best_place(*curve, kind.higher_is_better);
        }
        chart.push_back(line);
      }
      html += line_chart(
          kind.name, chart, *data.report.history, data.time, data.size);
    }
    html += "</div></div>\n";
  }
  return html + "</div></section>\n";
}

std::string weights_section(const ReportData& data) {
  if (data.weights.empty()) {
    return "";
  }
  std::string html = "<section id=\"weights\"><h2>Weights of the tasks</h2>\n";
  const double first = data.weights[0].second->values[0];
  const bool is_constant = std::all_of(
      data.weights.begin(), data.weights.end(), [&](const auto& weight) {
        const auto& values = weight.second->values;
        return std::all_of(values.begin(), values.end(), [&](double value) {
          return value == first;
        });
      });
  if (is_constant) {
    return html +
        fmt::format(
               "<p>All weights were {} all the time.</p></section>\n",
               short_number(first));
  }
  if (data.weights.size() <= kChartColours) {
    std::vector<ChartLine> chart;
    std::vector<std::pair<std::string, size_t>> lines;
    for (const auto& [task, curve] : data.weights) {
      chart.push_back({curve, task, chart.size(), std::nullopt});
      lines.emplace_back(task, lines.size());
    }
    return html + legend(lines) + "<div class=\"card wide\">" +
        line_chart(
               "weight", chart, *data.report.history, data.time, data.size) +
        "</div></section>\n";
  }
  html += "<div class=\"card\"><div class=\"charts\">\n";
  for (const auto& [task, curve] : data.weights) {
    html += line_chart(
        task,
        {{curve, task, 0, std::nullopt}},
        *data.report.history,
        data.time,
        data.size);
  }
  return html + "</div></div></section>\n";
}

std::string pace_section(const ReportData& data) {
  const auto& records = data.report.history->records();
  std::string charts;
  if (!data.learning_rates.empty()) {
    std::vector<ChartLine> lines;
    for (const auto* curve : data.learning_rates) {
      lines.push_back(
          {curve, curve->name, lines.size() % kChartColours, std::nullopt});
    }
    charts += line_chart(
        "learning rate", lines, *data.report.history, data.time, data.size);
  }
  ReportCurve seconds{"train", "seconds of an epoch", {}, {}};
  const HistoryRecord* before = nullptr;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].split != "train") {
      continue;
    }
    if (before && records[i].epoch > before->epoch) {
      seconds.records.push_back(static_cast<uint32_t>(i));
      seconds.values.push_back(
          (records[i].seconds - before->seconds) /
          static_cast<double>(records[i].epoch - before->epoch));
    }
    before = &records[i];
  }
  if (seconds.size() > 0) {
    charts += line_chart(
        "seconds of an epoch, with validation",
        {{&seconds, "seconds", 2, std::nullopt}},
        *data.report.history,
        data.time,
        data.size);
  }
  if (charts.empty()) {
    return "";
  }
  return "<section id=\"pace\"><h2>Learning rate and time</h2>\n"
         "<div class=\"card\"><div class=\"charts\">" +
      charts + "</div></div></section>\n";
}

std::string conflicts_section(const ReportData& data) {
  if (!data.report.cosines.defined()) {
    return "";
  }
  return "<section id=\"conflicts\"><h2>Conflicts</h2>\n<p "
         "class=\"soft\">Mean cosine of each two tasks&#39; gradients: blue "
         "agrees, red is opposed.</p>\n" +
      conflict_map(
             data.report.tasks,
             data.report.cosines,
             data.report.conflict_rates) +
      "</section>\n";
}

std::string mixing_section(const ReportData& data) {
  std::string maps;
  for (const MixingWeights& each : data.report.mixing) {
    maps += "<h3>" + html_text(each.name) +
        "</h3>\n<div class=\"card\" style=\"overflow-x:auto\">" +
        polytask::detail::heat_map(
                {"Mean weights of " + each.name,
                 each.rows,
                 each.columns,
                 each.values}) +
        "</div>\n";
  }
  return maps.empty() ? ""
                      : "<section id=\"mixing\"><h2>How tasks mix</h2>\n<p "
                        "class=\"soft\">What each task (row) took of each "
                        "column, on average over the epochs.</p>\n" +
          maps + "</section>\n";
}

std::string baselines_section(const ReportData& data) {
  const auto& baselines = data.report.baselines;
  if (baselines.empty()) {
    return "";
  }
  std::vector<std::vector<HtmlCell>> rows;
  std::map<std::string, std::pair<double, double>> tasks; // sum and count
  for (const auto& baseline : baselines) {
    const double better = better_by(baseline);
    rows.push_back(
        {{html_text(baseline.task), ""},
         {html_text(baseline.metric), ""},
         percent_cell(better),
         {short_number(baseline.alone), "n"},
         {short_number(baseline.joint), "n"}});
    auto& [sum, count] = tasks[baseline.task];
    sum += better;
    count += 1;
  }
  double delta = 0;
  for (const auto& [task, sums] : tasks) {
    delta += sums.first / sums.second / static_cast<double>(tasks.size());
  }
  HtmlCell shown = percent_cell(delta);
  shown.html = "<b>" + shown.html + "</b>";
  rows.push_back(
      {{"<b>&#916;<sub>m</sub></b>", ""},
       {"", ""},
       shown,
       {"", "n"},
       {"", "n"}});
  return "<section id=\"baselines\"><h2>Beside each task alone</h2>\n<p "
         "class=\"soft\">By how much the joint model is better than one "
         "trained for the task alone; the last line is the mean over the "
         "tasks.</p>\n" +
      html_table("", {"Task", "Value", "Better by", "Alone", "Joint"}, rows) +
      "</section>\n";
}

std::string tables_section(const ReportData& data) {
  std::string html;
  for (const auto& table : data.report.tables) {
    std::vector<std::string> columns;
    for (const auto& column : table.columns) {
      columns.push_back(html_text(column));
    }
    std::vector<std::vector<HtmlCell>> rows;
    for (const auto& row : table.rows) {
      auto& cells = rows.emplace_back();
      for (size_t i = 0; i < row.size(); ++i) {
        cells.push_back({html_text(row[i]), i == 0 ? "" : "n"});
      }
    }
    html += "<section><h2>" + html_text(table.title) + "</h2>\n";
    if (!table.note.empty()) {
      html += "<p class=\"soft\">" + html_text(table.note) + "</p>\n";
    }
    html += html_table("", columns, rows) + "</section>\n";
  }
  return html;
}

std::string facts_section(const ReportData& data) {
  if (data.report.facts.empty()) {
    return "";
  }
  std::string html =
      "<section id=\"facts\"><h2>What was trained, and how</h2>\n"
      "<div class=\"card\"><dl>\n";
  for (const auto& [name, value] : data.report.facts) {
    html +=
        "<dt>" + html_text(name) + "</dt><dd>" + html_text(value) + "</dd>\n";
  }
  return html + "</dl></div></section>\n";
}

} // namespace polytask::fit::detail
