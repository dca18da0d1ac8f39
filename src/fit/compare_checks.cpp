// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/compare_checks.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "fit/compare_data.h"

namespace polytask::fit::detail {

namespace {

constexpr auto kLossName = "loss";
constexpr std::string_view kMeanOf = "mean/";

std::vector<std::string> value_names(const Task& task) {
  std::vector<std::string> names{kLossName};
  for (const auto& metric : task.metrics()) {
    names.push_back(metric->name());
  }
  return names;
}

void check_has_value(
    const MultiTaskModel& model,
    const std::string& task,
    const std::string& metric,
    const std::string& who) {
  const auto names = value_names(model->task(task));
  TORCH_CHECK_VALUE(
      std::find(names.begin(), names.end(), metric) != names.end(),
      who,
      ": task '",
      task,
      "' has no metric '",
      metric,
      "'; it has ",
      polytask::detail::quoted(names),
      ".");
}

// A task alone has nothing but its own values, and their means.
void check_validation_value(
    const MultiTaskModel& model, const char* option, const std::string& name) {
  const std::string who = std::string("compare: FitOptions::") + option;
  TORCH_CHECK_VALUE(
      name.starts_with(kMeanOf),
      who,
      ": expected 'mean/<metric>', which each task alone has too, but got '",
      name,
      "'.");
  for (const auto& task : model->task_names()) {
    check_has_value(model, task, name.substr(kMeanOf.size()), who);
  }
}

void check_is_trained(
    const CompareOptions& options,
    const std::string& task,
    const std::string& what) {
  TORCH_CHECK_VALUE(
      options.train().has(task),
      "compare: ",
      what,
      " is for the task '",
      task,
      "', which the training data lack; they have ",
      polytask::detail::quoted(options.train().tasks()),
      ".");
}

void check_compared_fit(const FitOptions& fit) {
  TORCH_CHECK_VALUE(
      fit.validations().empty() && fit.folder().empty() && !fit.outer(),
      "compare: FitOptions may have no validation, folder or outer; the first "
      "two are those of CompareOptions, and outer batches would be shared by "
      "all runs.");
}

} // namespace

void check_compare_options(const CompareOptions& options) {
  TORCH_CHECK_VALUE(
      options.optimizer(),
      "compare: expected options of an optimizer, but there are none; call "
      "CompareOptions::optimizer.");
  TORCH_CHECK_VALUE(
      !options.seeds().empty(),
      "compare: expected at least one seed, but got none.");
  std::set<uint64_t> seeds;
  for (const uint64_t seed : options.seeds()) {
    TORCH_CHECK_VALUE(
        seeds.insert(seed).second, "compare: the seed ", seed, " comes twice.");
  }
  std::set<std::string> names{kAlone, kEqual};
  for (const auto& method : options.methods()) {
    TORCH_CHECK_VALUE(
        names.insert(method.name()).second,
        "compare: there are two methods '",
        method.name(),
        "' ('alone' and 'equal' are always there); give one another name.");
  }
  TORCH_CHECK_VALUE(
      !options.training().make_balancing(),
      "compare: JointTrainingOptions may have no balancing; name it in "
      "CompareOptions::methods.");
  TORCH_CHECK_VALUE(
      !options.training().grad_scaler(),
      "compare: JointTrainingOptions may have no grad_scaler, whose scale "
      "would "
      "go from run to run.");
  for (const auto& [task, metric] : options.metrics()) {
    check_is_trained(options, task, "the metric '" + metric + "'");
  }
  for (const auto& [task, rate] : options.training().learning_rates().tasks()) {
    check_is_trained(options, task, c10::str("the learning rate ", rate));
  }
  check_compared_fit(options.fit());
  check_compared_data(options);
}

void check_made_model(
    const MultiTaskModel& model, const std::vector<std::string>& tasks) {
  TORCH_CHECK_VALUE(!model.is_empty(), "compare: make_model made no model.");
  auto made = model->task_names();
  auto expected = tasks;
  std::sort(made.begin(), made.end());
  std::sort(expected.begin(), expected.end());
  TORCH_CHECK_VALUE(
      made == expected,
      "compare: make_model was asked for the tasks ",
      polytask::detail::quoted(tasks),
      ", but its model has ",
      made.empty() ? "none" : polytask::detail::quoted(model->task_names()),
      ".");
}

std::vector<Comparison::Task> compared_tasks(
    const MultiTaskModel& model, const CompareOptions& options) {
  const FitOptions& fit = options.fit();
  check_validation_value(model, "monitor", fit.monitor());
  if (fit.plateau()) {
    check_validation_value(model, "plateau", fit.plateau_name());
  }
  if (fit.early_stopping()) {
    const EarlyStopping& stopping = *fit.early_stopping();
    const bool is_each = stopping.each_task() != EachTask::kTogether;
    check_validation_value(
        model,
        "early_stopping",
        (is_each ? std::string(kMeanOf) : "") + stopping.metric());
  }
  std::vector<Comparison::Task> tasks;
  for (const auto& name : options.train().tasks()) {
    const std::string& metric = options.metric_of(name);
    check_has_value(model, name, metric, "compare");
    Comparison::Task task{name, metric, /*higher_is_better=*/false};
    for (const auto& own : model->task(name).metrics()) {
      if (own->name() == metric) {
        task.higher_is_better = own->higher_is_better();
      }
    }
    tasks.push_back(std::move(task));
  }
  return tasks;
}

} // namespace polytask::fit::detail
