// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>
#include <vector>

#include <polytask/fit/report.h>

#include "fit/report/axis.h"
#include "fit/report/chart.h"
#include "fit/report/curves.h"

namespace polytask::fit::detail {

/// The values of a task, or of the mean, by name: those of each split.
struct TaskCurves {
  std::string task;
  struct Kind {
    std::string name; // "loss"
    bool higher_is_better = false;
    std::vector<const ReportCurve*> curves;
  };
  std::vector<Kind> kinds;
};

/// What the sections of a page are made of.
class ReportData {
 public:
  explicit ReportData(const Report& report);
  ReportData(const ReportData&) = delete;
  ReportData& operator=(const ReportData&) = delete;

  const Report& report;
  std::vector<ReportCurve> curves;
  TimeAxis time;
  /// "train" first.
  std::vector<std::string> splits;
  /// The mean first, if there is one; without weights.
  std::vector<TaskCurves> tasks;
  /// In the order of the tasks, for those that have any.
  std::vector<std::pair<std::string, const ReportCurve*>> weights;
  std::vector<const ReportCurve*> learning_rates;
  /// By the number of all charts, so that the page does not become too large.
  ChartSize size;

  const HistoryRecord& record(const ReportCurve& curve, size_t place) const {
    return report.history->records()[curve.records[place]];
  }
  size_t colour_of(const std::string& split) const;

 private:
  bool higher_is_better(const std::string& task, const std::string& kind) const;
};

// Each is empty where there is nothing to show.
std::string summary_section(const ReportData& data);
std::string tasks_section(const ReportData& data);
std::string curves_section(const ReportData& data);
std::string weights_section(const ReportData& data);
std::string pace_section(const ReportData& data);
std::string conflicts_section(const ReportData& data);
std::string mixing_section(const ReportData& data);
std::string baselines_section(const ReportData& data);
std::string tables_section(const ReportData& data);
std::string facts_section(const ReportData& data);

} // namespace polytask::fit::detail
