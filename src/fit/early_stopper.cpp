// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/early_stopper.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <polytask/fit/fit.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/archive.h"

namespace polytask::fit::detail {

EarlyStopper::EarlyStopper(EarlyStopping options, std::string split)
    : options_(std::move(options)), split_(std::move(split)) {
  TORCH_CHECK_VALUE(
      options_.patience() >= 0 && options_.min_delta() >= 0 &&
          std::isfinite(options_.min_delta()),
      "EarlyStopping: expected a patience and a min_delta of at least 0, but "
      "got ",
      options_.patience(),
      " and ",
      options_.min_delta(),
      ".");
}

// A patience that was used up before a resume may be longer now.
void EarlyStopper::on_fit_begin(Fit& fit) {
  stop_where_all_have(fit);
}

void EarlyStopper::on_validation_end(
    Fit& fit, const std::string& split, const Evaluation& evaluation) {
  if (split != split_) {
    return;
  }
  find_values(evaluation);
  for (auto& judged : judged_) {
    if (judged.stopped_at >= 0 ||
        (!judged.task.empty() &&
         (!evaluation.has(judged.metric) ||
          evaluation.task(judged.task).labels == 0))) {
      continue; // nothing was measured
    }
    judged.value.add(
        evaluation[judged.metric],
        evaluation.higher_is_better(judged.metric),
        options_.min_delta());
    if (ran_out(judged) && !judged.task.empty()) {
      stop_task(fit, judged);
    }
  }
  stop_where_all_have(fit);
}

const EarlyStopper::Judged* EarlyStopper::find(const std::string& task) const {
  const auto found =
      std::find_if(judged_.begin(), judged_.end(), [&](const Judged& judged) {
        return judged.task == task;
      });
  return found == judged_.end() ? nullptr : &*found;
}

void EarlyStopper::find_values(const Evaluation& evaluation) {
  if (options_.each_task() == EachTask::kTogether) {
    if (judged_.empty()) {
      judged_.push_back({"", options_.metric(), {}});
    }
    return;
  }
  bool some_have_it = !judged_.empty();
  for (const auto& task : evaluation.tasks()) {
    const std::string metric = task.task + '/' + options_.metric();
    const bool has_it = evaluation.has(metric);
    some_have_it = some_have_it || has_it;
    if (has_it && task.labels > 0 && !find(task.task)) {
      judged_.push_back({task.task, metric, {}});
    }
  }
  if (!some_have_it) {
    evaluation.value("<task>/" + options_.metric()); // names what there is
  }
}

bool EarlyStopper::ran_out(const Judged& judged) const {
  return judged.value.since() > options_.patience();
}

void EarlyStopper::stop_task(Fit& fit, Judged& judged) {
  MultiTaskModel model = fit.model();
  model->freeze(judged.task);
  if (options_.each_task() == EachTask::kStop) {
    model->task(judged.task).weight(0);
  }
  judged.stopped_at = fit.epoch();
}

// A task that is not judged goes on.
bool EarlyStopper::have_all_stopped(const MultiTaskModelImpl& model) const {
  return std::all_of(
      model.task_names().begin(),
      model.task_names().end(),
      [&](const std::string& task) {
        const Judged* judged = find(task);
        return judged ? judged->stopped_at >= 0
                      : model.task(task).weight() == 0;
      });
}

void EarlyStopper::stop_where_all_have(Fit& fit) const {
  if (judged_.empty()) {
    return;
  }
  if (judged_.front().task.empty()) {
    if (ran_out(judged_.front())) {
      fit.stop(fmt::format(
          "early stopping: {} was no better than {:.6g} in {} validations",
          judged_.front().metric,
          judged_.front().value.best(),
          judged_.front().value.since()));
    }
  } else if (have_all_stopped(*fit.model())) {
    std::string tasks;
    for (const auto& judged : judged_) {
      tasks += fmt::format(
          "{} '{}' after epoch {}",
          tasks.empty() ? "" : ",",
          judged.task,
          judged.stopped_at);
    }
    fit.stop("early stopping: every task has stopped getting better:" + tasks);
  }
}

void EarlyStopper::save(torch::serialize::OutputArchive& archive) const {
  std::vector<std::string> texts;
  c10::List<double> best;
  c10::List<int64_t> since;
  for (const auto& judged : judged_) {
    texts.push_back(judged.task);
    texts.push_back(judged.metric);
    best.push_back(judged.value.best());
    since.push_back(judged.value.since());
    since.push_back(judged.stopped_at);
  }
  polytask::detail::write_texts(archive, "texts", texts);
  archive.write("best", c10::IValue(best));
  archive.write("since", c10::IValue(since));
}

void EarlyStopper::load(torch::serialize::InputArchive& archive) {
  const polytask::detail::ArchiveReader reader(archive, "EarlyStopping");
  const auto texts = reader.texts("texts");
  const auto best = reader.numbers("best");
  const auto since = reader.integers("since");
  TORCH_CHECK_VALUE(
      texts.size() == 2 * best.size() && since.size() == 2 * best.size(),
      "EarlyStopping: the checkpoint's numbers do not fit together.");
  std::vector<Judged> judged;
  for (size_t i = 0; i < best.size(); ++i) {
    judged.push_back({texts[2 * i], texts[2 * i + 1], {}, since[2 * i + 1]});
    judged.back().value.set(best[i], since[2 * i]);
  }
  const bool together = options_.each_task() == EachTask::kTogether;
  // Of other options: it begins anew.
  const bool is_same = judged.empty() ||
      (judged.front().task.empty() == together &&
       judged.front().metric ==
           (together ? options_.metric()
                     : judged.front().task + '/' + options_.metric()));
  judged_ = is_same ? std::move(judged) : std::vector<Judged>();
}

} // namespace polytask::fit::detail
