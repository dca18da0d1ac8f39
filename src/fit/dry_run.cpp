// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/dry_run.h"

#include <c10/util/Exception.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"
#include "fit/failing_layer.h"
#include "model/eval_mode.h"

namespace polytask::fit::detail {

namespace {

// The trunk where the sharing is one, the head, or nothing that is known.
std::string failing_part(
    const MultiTaskModelImpl& model, const Batch::Part& part) {
  if (!part.inputs.is_tensor()) {
    return "";
  }
  at::Tensor value = part.inputs.tensor();
  if (const auto* hard =
          dynamic_cast<const HardSharingImpl*>(&model.sharing())) {
    try {
      value = hard->trunk().forward(value);
    } catch (const std::exception&) {
      return failing_layer(*hard->trunk().module(), "sharing.trunk", value);
    }
  } else if (!dynamic_cast<const NoSharingImpl*>(&model.sharing())) {
    return "";
  }
  const Network& head = model.task(part.task).head();
  try {
    head.forward(value);
  } catch (const std::exception&) {
    return failing_layer(*head.module(), "tasks." + part.task, value);
  }
  return ""; // the layers fit: it is the loss or a metric
}

void try_part(const MultiTaskModelImpl& model, const Batch::Part& part) {
  const int64_t index = model.index(part.task);
  const Task& task = model.task(index);
  const at::Tensor output = task.forward(model.features_of(part.inputs, index));
  const Labels labels =
      part.labels.with_ignore_index(task.loss().function().ignore_index());
  task.loss()(output, labels);
  for (const auto& metric : task.metrics()) {
    metric->observe(output, labels);
  }
}

void try_batch(
    const MultiTaskModelImpl& model,
    const Batch& batch,
    const std::string& where) {
  for (const auto& part : batch.parts()) {
    const auto who = [&](const std::string& layer) {
      return "Fit, dry run on " + where + ": task '" + part.task +
          "': " + (layer.empty() ? "" : "layer " + layer + ": ");
    };
    try {
      try_part(model, part);
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(who(failing_part(model, part)));
    }
  }
}

void check_labels(
    const MultiTaskModelImpl& model,
    const std::vector<std::pair<std::string, int64_t>>& labels,
    const std::string& where,
    bool needs_all) {
  if (labels.empty()) {
    return;
  }
  std::map<std::string, int64_t> counts;
  for (const auto& [task, count] : labels) {
    model.index(task); // throws where there is no such task
    counts[task] += count;
  }
  std::string absent;
  for (const auto& name : model.task_names()) {
    if (model.task(name).weight() == 0) {
      continue;
    }
    const auto found = counts.find(name);
    TORCH_CHECK_VALUE(
        found == counts.end() ? !needs_all : found->second > 0,
        "Fit: task '",
        name,
        "' has no label in ",
        where,
        needs_all ? "; give it some, or the weight 0." : ".");
    if (found == counts.end()) {
      absent += (absent.empty() ? "'" : ", '") + name + "'";
    }
  }
  if (!absent.empty()) {
    TORCH_WARN("Fit: ", where, " say nothing of the tasks ", absent, ".");
  }
}

void warn_of_tasks_without(
    const Evaluation& values, const std::string& metric) {
  std::string without;
  for (const auto& task : values.tasks()) {
    if (!values.has(task.task + '/' + metric)) {
      without += (without.empty() ? "'" : ", '") + task.task + "'";
    }
  }
  if (!without.empty()) {
    TORCH_WARN(
        "EarlyStopping: no '",
        metric,
        "' is known of ",
        without,
        ", which will not be stopped.");
  }
}

// Throws, with all names there are, where a name is none of them.
void check_names(const MultiTaskModel& model, const FitOptions& options) {
  const auto& [split, data] = options.validations().front();
  const auto sample = data.sample(options.evaluate().batch_size());
  if (sample.empty()) {
    return;
  }
  std::vector<Evaluation::TaskValues> tasks;
  for (const auto& batch : sample) {
    const Evaluation part = evaluate(model, batch);
    for (Evaluation::TaskValues task : part.tasks()) {
      task.labels = 1; // these few rows may have none
      tasks.push_back(std::move(task));
    }
  }
  const Evaluation values(std::move(tasks));
  const auto check = [&](const char* option, const std::string& name) {
    try {
      values.value(name);
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(c10::str("FitOptions::", option, ": "));
    }
  };
  check("monitor", options.monitor());
  if (options.plateau()) {
    check("plateau", options.plateau_name());
  }
  const auto& stopping = options.early_stopping();
  const bool each = stopping && stopping->each_task() != EachTask::kTogether;
  if (stopping) {
    check("early_stopping", (each ? "mean/" : "") + stopping->metric());
  }
  if (!options.best_of_each_task().empty()) {
    check("best_of_each_task", "mean/" + options.best_of_each_task());
  }
  if (each) {
    warn_of_tasks_without(values, stopping->metric());
  }
}

// What fits the model, and names of values.
void try_rows(
    MultiTaskModel model, const Batches& training, const FitOptions& options) {
  const polytask::detail::EvalMode eval_mode(*model);
  for (const auto& batch : training.sample()) {
    try_batch(*model, batch, "the training data");
  }
  for (const auto& [split, data] : options.validations()) {
    const std::string where = "the rows of '" + split + "'";
    check_labels(*model, data.labels(), where, false);
    for (const auto& batch : data.sample(options.evaluate().batch_size())) {
      try_batch(*model, batch, where);
    }
  }
  if (!options.validations().empty()) {
    check_names(model, options);
  }
}

} // namespace

void dry_run(
    MultiTaskModel model,
    const Batches& training,
    const FitOptions& options,
    const FitRanks& ranks) {
  check_labels(
      *model,
      ranks.labels_of_all(model, training.labels()),
      "the training data",
      true);
  ranks.together([&] { try_rows(model, training, options); });
}

} // namespace polytask::fit::detail
