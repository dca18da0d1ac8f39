// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/best_weights.h"

#include <c10/util/Exception.h>
#include <polytask/fit/fit.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <cmath>

#include "core/archive.h"
#include "core/check.h"

namespace polytask::fit::detail {

BestWeights::BestWeights(
    MultiTaskModel model,
    std::string split,
    std::string monitor,
    std::string of_each_task)
    : model_(std::move(model)), split_(std::move(split)) {
  best_.push_back({"", std::move(monitor), {}, {}});
  if (!of_each_task.empty()) {
    for (const auto& task : model_->task_names()) {
      best_.push_back({task, task + '/' + of_each_task, {}, {}});
    }
  }
}

void BestWeights::on_validation_end(
    Fit& fit, const std::string& split, const Evaluation& evaluation) {
  if (split != split_) {
    return;
  }
  for (auto& best : best_) {
    // A task need not have the metric; the whole must.
    if (!best.task.empty() && !evaluation.has(best.metric)) {
      continue;
    }
    const double value = evaluation[best.metric];
    if (std::isnan(value)) {
      TORCH_WARN("Fit: ", best.metric, " of '", split, "' is NaN.");
    }
    const bool is_better =
        best.value.add(value, evaluation.higher_is_better(best.metric));
    if (is_better) {
      best.weights.take(*model_);
    }
    if (is_better && best.task.empty()) {
      best_step_ = fit.step();
    }
  }
}

void BestWeights::give(const std::string& task) const {
  std::vector<std::string> known;
  for (const auto& best : best_) {
    if (best.task == task) {
      TORCH_CHECK_VALUE(
          !best.weights.is_empty(),
          "Fit: there are no best weights by ",
          best.metric,
          ": no validation has given a number for it.");
      best.weights.give(*model_.ptr());
      return;
    }
    if (!best.task.empty()) {
      known.push_back(best.task);
    }
  }
  TORCH_CHECK_VALUE(
      false,
      "Fit: no weights are kept for task '",
      task,
      "', but for ",
      polytask::detail::quoted(known),
      "; see FitOptions::best_of_each_task.");
}

void BestWeights::save(torch::serialize::OutputArchive& archive) const {
  std::vector<std::string> metrics;
  c10::List<double> values;
  c10::List<int64_t> since;
  for (size_t i = 0; i < best_.size(); ++i) {
    metrics.push_back(best_[i].metric);
    values.push_back(best_[i].value.best());
    since.push_back(best_[i].value.since());
    torch::serialize::OutputArchive weights(archive.compilation_unit());
    polytask::detail::write_tensors(
        weights, "weights", best_[i].weights.tensors());
    archive.write("best_" + std::to_string(i), weights);
  }
  archive.write("best_step", c10::IValue(best_step_));
  polytask::detail::write_texts(archive, "metrics", metrics);
  archive.write("values", c10::IValue(values));
  archive.write("since", c10::IValue(since));
}

void BestWeights::load(torch::serialize::InputArchive& archive) {
  const polytask::detail::ArchiveReader reader(archive, "Fit: best weights");
  const auto metrics = reader.texts("metrics");
  const auto values = reader.numbers("values");
  const auto since = reader.integers("since");
  TORCH_CHECK_VALUE(
      values.size() == metrics.size() && since.size() == metrics.size(),
      "Fit: the checkpoint's best values do not fit together.");
  std::vector<Best> read = best_;
  for (auto& best : read) {
    best.value = {};
    best.weights = {};
    for (size_t i = 0; i < metrics.size(); ++i) {
      // Of other options: it begins anew.
      if (metrics[i] == best.metric) {
        torch::serialize::InputArchive weights;
        archive.read("best_" + std::to_string(i), weights);
        best.weights.load(
            polytask::detail::ArchiveReader(weights, "Fit: best weights")
                .tensors("weights"),
            *model_);
        if (!best.weights.is_empty()) {
          best.value.set(values[i], since[i]);
        }
      }
    }
  }
  best_ = std::move(read);
  best_step_ = reader.integer("best_step");
}

} // namespace polytask::fit::detail
