// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/fit_loop.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <polytask/fit/event_writer.h>
#include <polytask/fit/fit.h>
#include <polytask/fit/progress.h>
#include <polytask/fit/report_writer.h>
#include <torch/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <set>
#include <utility>

#include "fit/dry_run.h"
#include "fit/early_stopper.h"
#include "fit/history_files.h"
#include "fit/record_conflicts.h"
#include "fit/report_facts.h"
#include "fit/schedules.h"
#include "fit/signals.h"

namespace polytask::fit::detail {

namespace {

constexpr auto kTrainSplit = "train";

std::string folder_title(const std::string& folder) {
  const auto path = std::filesystem::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

} // namespace

FitLoop::FitLoop(
    Fit& fit, Training& training, TrainingData data, FitOptions options)
    : fit_(fit),
      training_(training),
      data_(std::move(data)),
      options_(std::move(options)),
      stepper_(training, data_, options_.outer(), options_.accumulate()),
      sums_(training.model()->size()) {
  check_options();
  add_callbacks();
}

void FitLoop::check_options() const {
  TORCH_CHECK_VALUE(
      options_.epochs() >= 0 && options_.steps() >= 0 &&
          options_.epochs() + options_.steps() > 0,
      "FitOptions: expected a number of epochs or of steps, but got ",
      options_.epochs(),
      " and ",
      options_.steps(),
      ".");
  TORCH_CHECK_VALUE(
      options_.steps_per_epoch() >= 0 &&
          options_.validate_every_epochs() >= 0 &&
          options_.validate_every_steps() >= 0 &&
          options_.conflicts_every_steps() >= 0,
      "FitOptions: expected no negative number of steps or epochs.");
  TORCH_CHECK_VALUE(
      options_.averaging() >= 0 && options_.averaging() < 1,
      "FitOptions: expected an averaging of at least 0 and below 1, but got ",
      options_.averaging(),
      ".");
  const bool validates = !options_.validations().empty();
  TORCH_CHECK_VALUE(
      validates || !options_.early_stopping(),
      "FitOptions: early_stopping needs a validation.");
  TORCH_CHECK_VALUE(
      validates || !options_.plateau(),
      "FitOptions: plateau needs a validation.");
  TORCH_CHECK_VALUE(
      validates || options_.best_of_each_task().empty(),
      "FitOptions: best_of_each_task needs a validation.");
  std::set<std::string> names{kTrainSplit};
  for (const auto& [name, data] : options_.validations()) {
    TORCH_CHECK_VALUE(
        !name.empty() && names.insert(name).second,
        "FitOptions: a validation cannot be called '",
        name,
        "', or is not the only one of that name.");
  }
  for (const auto& callback : options_.callbacks()) {
    TORCH_CHECK_VALUE(callback, "FitOptions: a callback is null.");
  }
  TORCH_CHECK_VALUE(
      !training_.model()->has_task("mean"),
      "Fit: a task cannot be called 'mean', as the mean over the tasks is.");
  TORCH_CHECK_VALUE(
      !options_.scheduler() || !options_.plateau(),
      "FitOptions: a scheduler sets the rates anew after each step, so a "
      "plateau beside it would change nothing; take one of them.");
}

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
  add(std::make_shared<Progress>(options_.progress()));
  if (!options_.folder().empty()) {
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
  callbacks_.push_back(
      std::make_shared<ReportWriter>(folder, [this, conflicts](Report& report) {
        report.title = folder_title(options_.folder());
        report.facts = report_facts(fit_);
        if (conflicts && conflicts->recorder().steps() > 0) {
          report.cosines = conflicts->recorder().cosines();
          report.conflict_rates = conflicts->recorder().conflict_rates();
        }
      }));
}

History FitLoop::run() {
  if (is_finished_) {
    return history_;
  }
  const Signals signals(options_.handle_signals());
  began_ = checkpoint_time_ = Clock::now();
  stop_reason_.clear();
  is_interrupted_ = false;
  is_in_step_ = false;
  is_running_ = true;
  history_.stop_reason("");
  if (!options_.folder().empty() && !folder_) {
    folder_.emplace(options_.folder(), options_.checkpoints());
    try {
      resume();
    } catch (...) {
      folder_.reset(); // the next run is to look there again
      throw;
    }
  }
  if (options_.dry_run()) {
    dry_run(training_.model(), *data_, options_);
  }
  std::exception_ptr error;
  try {
    begin();
    go();
    end_of_all();
  } catch (...) {
    error = std::current_exception();
    history_.stop_reason("an error");
  }
  // Where it failed too, what was done is saved and shown.
  try {
    end();
  } catch (...) {
    error = error ? error : std::current_exception();
  }
  if (!error && !is_interrupted_) {
    give_final_weights();
    is_finished_ = true;
  }
  seconds_before_ = seconds();
  is_running_ = false;
  if (error) {
    std::rethrow_exception(error);
  }
  return history_;
}

void FitLoop::begin() {
  // Parts that are in eval mode on purpose stay so.
  MultiTaskModel model = training_.model();
  if (!model->is_training()) {
    model->train();
  }
  call([&](Callback& callback) { callback.on_fit_begin(fit_); });
}

bool FitLoop::is_over() const {
  return is_stopping() || is_interrupted_ ||
      (options_.epochs() > 0 && epoch_ >= options_.epochs()) ||
      (options_.steps() > 0 && step_ >= options_.steps());
}

void FitLoop::go() {
  const int64_t length = options_.steps_per_epoch() > 0
      ? options_.steps_per_epoch()
      : stepper_.is_endless() ? stepper_.per_epoch()
                              : 0;
  TORCH_CHECK_VALUE(
      length > 0 || !stepper_.is_endless(),
      "FitOptions: these batches have no end; say how many steps_per_epoch "
      "there are.");
  if (is_validation_due_ || is_epoch_end_due_) {
    do_what_is_due(); // before a resume it was not
  }
  while (!is_over()) {
    if (!is_epoch_begun_) {
      is_epoch_begun_ = true;
      call([&](Callback& callback) { callback.on_epoch_begin(fit_); });
    }
    is_in_step_ = true; // also where fetching throws
    is_in_step_ = (length == 0 || step_of_epoch_ < length) && fetch();
    if (is_in_step_) {
      take_step();
    } else {
      end_epoch();
    }
    if (Signals::came()) {
      is_interrupted_ = true;
    }
  }
}

// The batches may end where `steps_per_epoch` has ended the epoch before.
bool FitLoop::fetch() {
  if (stepper_.fetch()) {
    return true;
  }
  const bool fetched = step_of_epoch_ == 0 && stepper_.fetch();
  TORCH_CHECK_VALUE(
      fetched || step_of_epoch_ > 0,
      "Fit: the training data gave no batch, or too few for one step.");
  return fetched;
}

void FitLoop::take_step() {
  for (auto* callback : see_steps_) {
    callback->on_step_begin(fit_);
  }
  const StepReport report = stepper_.step();
  ++step_;
  ++step_of_epoch_;
  sums_.add(report);
  is_in_step_ = false;
  const int64_t every = options_.validate_every_steps();
  is_validation_due_ = every > 0 && step_ % every == 0;
  for (auto* callback : see_steps_) {
    callback->on_step_end(fit_, report);
  }
  do_what_is_due();
}

void FitLoop::end_epoch() {
  ++epoch_;
  training_.end_epoch();
  record_training();
  step_of_epoch_ = 0;
  is_epoch_begun_ = false;
  const int64_t every = options_.validate_every_epochs();
  is_validation_due_ = every > 0 && epoch_ % every == 0;
  is_epoch_end_due_ = true;
  do_what_is_due();
}

// Where something throws, a checkpoint says what is left to be done.
void FitLoop::do_what_is_due() {
  const bool at_epoch_end = is_epoch_end_due_;
  if (is_validation_due_) {
    validate();
  }
  if (std::exchange(is_epoch_end_due_, false)) {
    call([&](Callback& callback) { callback.on_epoch_end(fit_); });
  }
  if (folder_ && is_checkpoint_due(at_epoch_end)) {
    write_checkpoint(at_epoch_end);
  }
}

std::vector<double> FitLoop::rates() const {
  std::vector<double> rates;
  for (const auto& group : training_.optimizer().param_groups()) {
    rates.push_back(group.options().get_lr());
  }
  return rates;
}

void FitLoop::record_training() {
  HistoryRecord record{epoch_, step_, seconds(), kTrainSplit, {}};
  const auto losses = sums_.mean_losses();
  const auto weights = sums_.mean_weights();
  double sum = 0;
  int64_t count = 0;
  for (size_t i = 0; i < losses.size(); ++i) {
    const std::string& task = training_.model()->task_names()[i];
    record.values.emplace_back(task + "/loss", losses[i]);
    record.values.emplace_back(task + "/weight", weights[i]);
    if (!std::isnan(weights[i])) {
      sum += losses[i];
      ++count;
    }
  }
  record.values.emplace_back("mean/loss", sum / static_cast<double>(count));
  const auto all = rates();
  for (size_t i = 0; i < all.size(); ++i) {
    record.values.emplace_back(
        i == 0 ? "learning_rate" : fmt::format("learning_rate[{}]", i), all[i]);
  }
  history_.add(std::move(record));
  sums_.reset();
}

void FitLoop::validate() {
  if (options_.validations().empty() || validated_step_ == step_) {
    is_validation_due_ = false;
    return;
  }
  const WithAverage with_average(average_.get());
  call([&](Callback& callback) { callback.on_validation_begin(fit_); });
  std::vector<Evaluation> evaluations;
  std::vector<HistoryRecord> records;
  for (const auto& [split, data] : options_.validations()) {
    evaluations.push_back(
        evaluate(training_.model(), data, options_.evaluate()));
    HistoryRecord record{epoch_, step_, seconds(), split, {}};
    for (const auto& value : evaluations.back().values()) {
      record.values.emplace_back(value.name, value.value);
    }
    records.push_back(std::move(record));
  }
  is_validation_due_ = false;
  validated_step_ = step_;
  for (size_t i = 0; i < evaluations.size(); ++i) {
    const std::string& split = records[i].split;
    history_.add(records[i]);
    call([&](Callback& callback) {
      callback.on_validation_end(fit_, split, evaluations[i]);
    });
  }
}

// What an interrupted training leaves for when it goes on.
void FitLoop::end_of_all() {
  if (is_interrupted_) {
    history_.stop_reason("interrupted by " + Signals::name());
    return;
  }
  if (step_of_epoch_ > 0) {
    record_training();
  }
  if (step_ > 0) {
    validate();
  }
  const bool all_epochs = options_.epochs() > 0 && epoch_ >= options_.epochs();
  history_.stop_reason(
      is_stopping()    ? stop_reason_
          : all_epochs ? "all epochs"
                       : "all steps");
}

void FitLoop::end() {
  if (folder_ && !is_in_step_ && step_ != checkpoint_step_ && step_ > 0) {
    write_checkpoint(step_of_epoch_ == 0);
  }
  call([&](Callback& callback) { callback.on_fit_end(fit_); });
}

void FitLoop::give_final_weights() {
  if (best_ && !best_->is_empty() && options_.end_with() == EndWith::kBest) {
    best_->give("");
  } else if (average_) {
    average_->exchange();
  }
}

void FitLoop::stop(const std::string& reason) {
  if (!is_stopping()) {
    stop_reason_ = reason.empty() ? "stopped" : reason;
  }
}

void FitLoop::use_best(const std::string& task) const {
  TORCH_CHECK_VALUE(
      best_, "Fit: there are no best weights without a validation.");
  best_->give(task);
}

int64_t FitLoop::steps_per_epoch() const {
  return options_.steps_per_epoch() > 0 ? options_.steps_per_epoch()
                                        : stepper_.per_epoch();
}

int64_t FitLoop::planned_steps() const {
  const int64_t of_epochs = options_.epochs() * steps_per_epoch();
  if (options_.steps() == 0 || of_epochs == 0) {
    return std::max(options_.steps(), of_epochs);
  }
  return std::min(options_.steps(), of_epochs);
}

double FitLoop::seconds() const {
  return !is_running_ ? seconds_before_
                      : seconds_before_ +
          std::chrono::duration<double>(Clock::now() - began_).count();
}

} // namespace polytask::fit::detail
