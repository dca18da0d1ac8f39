// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/util/Exception.h>
#include <polytask/fit/event_writer.h>
#include <polytask/fit/fit.h>
#include <polytask/fit/progress.h>
#include <polytask/fit/report_writer.h>

#include <filesystem>
#include <set>

#include "fit/early_stopper.h"
#include "fit/fit_loop.h"
#include "fit/history_files.h"
#include "fit/record_conflicts.h"
#include "fit/record_mixing.h"
#include "fit/report_facts.h"
#include "fit/schedules.h"

namespace polytask::fit::detail {

namespace {

std::string folder_title(const std::string& folder) {
  const auto path = std::filesystem::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

} // namespace

void FitLoop::add_callbacks() {
  const auto add = [&](auto callback) {
    callbacks_.push_back(callback);
    return callback;
  };
  MultiTaskModel model = training_.model();
  if (options_.averaging() > 0) {
    average_ =
        add(std::make_shared<WeightAverage>(model, options_.averaging()));
  }
  if (options_.scheduler()) {
    options_.scheduler()->start(training_.optimizer());
    add(std::make_shared<ScheduleRates>(
        options_.scheduler(), options_.scheduler_every()));
  }
  if (!options_.validations().empty()) {
    const std::string& split = options_.validations().front().first;
    if (options_.plateau()) {
      add(std::make_shared<LowerRates>(
          *options_.plateau(),
          training_.optimizer(),
          split,
          options_.plateau_name()));
    }
    best_ = add(std::make_shared<BestWeights>(
        model, split, options_.monitor(), options_.best_of_each_task()));
    if (options_.early_stopping()) {
      add(std::make_shared<EarlyStopper>(*options_.early_stopping(), split));
    }
  }
  add(std::make_shared<Progress>(
      ranks_.is_first() ? options_.progress() : ProgressKind::kSilent));
  if (saves() && ranks_.is_first()) {
    add_files();
  }
  for (const auto& callback : options_.callbacks()) {
    add(callback);
  }
  std::set<std::string> names;
  for (const auto& callback : callbacks_) {
    TORCH_CHECK_VALUE(
        callback->name().empty() || names.insert(callback->name()).second,
        "FitOptions: two callbacks keep their states under the name '",
        callback->name(),
        "'.");
    if (callback->sees_steps()) {
      see_steps_.push_back(callback.get());
    }
  }
}

void FitLoop::add_files() {
  const std::string& folder = options_.folder();
  callbacks_.push_back(std::make_shared<HistoryFiles>(folder));
  if (options_.events()) {
    callbacks_.push_back(std::make_shared<EventWriter>(folder));
  }
  if (!options_.report()) {
    return;
  }
  std::shared_ptr<RecordConflicts> conflicts;
  if (options_.conflicts_every_steps() > 0 && training_.balancing()) {
    conflicts = std::make_shared<RecordConflicts>(
        training_.model(), options_.conflicts_every_steps());
    callbacks_.push_back(conflicts);
  }
  const auto mixing = std::make_shared<RecordMixing>();
  callbacks_.push_back(mixing);
  callbacks_.push_back(std::make_shared<ReportWriter>(
      folder, [this, conflicts, mixing](Report& report) {
        report.title = folder_title(options_.folder());
        report.facts = report_facts(fit_);
        if (conflicts && conflicts->recorder().steps() > 0) {
          report.cosines = conflicts->recorder().cosines();
          report.conflict_rates = conflicts->recorder().conflict_rates();
        }
        report.mixing = mixing->recorder().weights();
      }));
}

} // namespace polytask::fit::detail
