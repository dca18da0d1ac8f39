// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "fit/report/sections.h"

namespace polytask::fit::detail {

namespace {

// "a/b/loss" is of task "a/b" where there is one, else of "a".
const std::string* task_of(
    const std::vector<std::string>& tasks, const std::string& name) {
  const std::string* found = nullptr;
  for (const auto& task : tasks) {
    if (name.size() > task.size() + 1 && name[task.size()] == '/' &&
        name.starts_with(task) && (!found || task.size() > found->size())) {
      found = &task;
    }
  }
  return found;
}

} // namespace

ReportData::ReportData(const Report& of)
    : report(of), curves(curves_of(*of.history)), time(*of.history) {
  for (const auto& curve : curves) {
    if (std::find(splits.begin(), splits.end(), curve.split) == splits.end()) {
      splits.push_back(curve.split);
    }
  }
  std::stable_partition(splits.begin(), splits.end(), [](const auto& split) {
    return split == "train";
  });
  std::vector<std::string> names{"mean"};
  names.insert(names.end(), report.tasks.begin(), report.tasks.end());
  std::map<std::string, TaskCurves> by_task;
  std::map<std::string, const ReportCurve*> weight_of;
  size_t charts = 0;
  for (const auto& curve : curves) {
    const std::string* task = task_of(names, curve.name);
    if (!task) {
      if (curve.name.starts_with("learning_rate")) {
        learning_rates.push_back(&curve);
      }
      continue;
    }
    const std::string kind = curve.name.substr(task->size() + 1);
    if (kind == "weight") {
      weight_of[*task] = &curve;
      continue;
    }
    auto& kinds = by_task[*task].kinds;
    auto known = std::find_if(kinds.begin(), kinds.end(), [&](const auto& it) {
      return it.name == kind;
    });
    if (known == kinds.end()) {
      known =
          kinds.insert(kinds.end(), {kind, higher_is_better(*task, kind), {}});
    }
    known->curves.push_back(&curve);
    ++charts;
  }
  for (const auto& name : names) {
    const auto found = by_task.find(name);
    const bool is_needless = name == "mean" && report.tasks.size() < 2;
    if (found != by_task.end() && !is_needless) {
      found->second.task = name;
      tasks.push_back(std::move(found->second));
    }
    const auto weight = weight_of.find(name);
    if (weight != weight_of.end() && name != "mean") {
      weights.emplace_back(name, weight->second);
    }
  }
  // Bytes: 12 of a point, 180 of a hover, and 1.5 kB of a chart.
  charts += weights.size();
  constexpr double kBytes = 3e6;
  const double each = kBytes / static_cast<double>(std::max<size_t>(charts, 1));
  size.points = static_cast<size_t>(std::clamp(each / 24, 60.0, 600.0));
  size.hovers = static_cast<size_t>(std::clamp(each / 480, 10.0, 80.0));
}

size_t ReportData::colour_of(const std::string& split) const {
  const auto place = std::find(splits.begin(), splits.end(), split);
  const auto number = static_cast<size_t>(place - splits.begin());
  // Without a training's values, the first validation keeps its colour.
  const bool has_train = !splits.empty() && splits[0] == "train";
  return (number + (has_train ? 0 : 1)) % kChartColours;
}

bool ReportData::higher_is_better(
    const std::string& task, const std::string& kind) const {
  const auto& directions = report.higher_is_better;
  auto found = directions.find(task + '/' + kind);
  if (found == directions.end()) {
    found = directions.find(kind);
  }
  return found != directions.end() && found->second;
}

} // namespace polytask::fit::detail
