// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/fit_loop.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <polytask/fit/fit.h>
#include <torch/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "fit/dry_run.h"
#include "fit/first_error.h"
#include "fit/fit_checks.h"
#include "fit/folder_lock.h"
#include "fit/signals.h"

namespace polytask::fit::detail {

FitLoop::FitLoop(
    Fit& fit, Training& training, TrainingData data, FitOptions options)
    : fit_(fit),
      training_(training),
      data_(std::move(data)),
      options_(std::move(options)),
      stepper_(training, data_, options_.outer(), options_.accumulate()),
      sums_(training.model()->size()),
      ranks_(training.communicator()) {
  check_fit_options(options_, training_.model());
  TORCH_CHECK_VALUE(
      options_.averaging() == 0 || training_.task_owners().empty(),
      "FitOptions: averaging does not go with task_owners, for each rank would "
      "average what is up to date elsewhere.");
  add_callbacks();
}

History FitLoop::run() {
  if (is_finished_) {
    return history_;
  }
  const Signals signals(options_.handle_signals());
  std::optional<FolderLock> lock;
  if (saves() && ranks_.is_first()) {
    lock.emplace(options_.folder());
  }
  stop_reason_.clear();
  is_interrupted_ = false;
  history_.stop_reason("");
  open_folder();
  is_in_step_ = false;
  if (options_.dry_run()) {
    dry_run(training_.model(), *data_, options_, ranks_);
  }
  began_ = checkpoint_time_ = Clock::now();
  is_running_ = true;
  FirstError error;
  error.note([&] {
    begin();
    go();
  });
  // Where it failed too, what was done is saved and shown.
  if (!error) {
    end_of_all(error);
  }
  end(error);
  if (!error && !is_interrupted_) {
    error.note([&] { give_final_weights(); });
    is_finished_ = !error;
  }
  seconds_before_ = seconds();
  is_running_ = false;
  error.rethrow();
  return history_;
}

void FitLoop::begin() {
  // Parts that are in eval mode on purpose stay so.
  MultiTaskModel model = training_.model();
  if (!model->is_training()) {
    model->train();
  }
  call([&](Callback& callback) { callback.on_fit_begin(fit_); });
  if (folder_ && step_ == 0) {
    try_to_save();
  }
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
      ranks_.check_length(length > 0 ? length : stepper_.per_epoch());
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
    agree();
  }
}

void FitLoop::agree() {
  if (!ranks_.are_some()) {
    return;
  }
  const auto [is_interrupted, stops] =
      ranks_.some(is_interrupted_, is_stopping());
  is_interrupted_ = is_interrupted;
  if (stops) {
    stop("another rank stopped");
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
  if (saves() && ranks_.of_first(is_checkpoint_due(at_epoch_end))) {
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
  const auto all = rates();
  record.values.reserve(2 * losses.size() + 1 + all.size());
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
  training_.gather();
  WithAverage with_average(average_.get());
  call([&](Callback& callback) { callback.on_validation_begin(fit_); });
  std::vector<Evaluation> evaluations;
  std::vector<HistoryRecord> records;
  EvaluateOptions how = options_.evaluate();
  how.communicator(training_.communicator());
  for (const auto& [split, data] : options_.validations()) {
    evaluations.push_back(evaluate(training_.model(), ranks_.own(data), how));
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
  with_average.end();
}

// What an interrupted training leaves for when it goes on.
void FitLoop::end_of_all(FirstError& error) {
  if (is_interrupted_) {
    history_.stop_reason("interrupted by " + Signals::name());
    return;
  }
  error.note([&] { training_.gather(); });
  // A training that goes on from here with more steps has not seen what is
  // recorded and validated out of turn.
  const bool records = sums_.has_steps();
  const bool validates =
      !options_.validations().empty() && validated_step_ != step_;
  if (saves() && step_ > 0 && (records || validates) &&
      checkpoint_step_ != step_) {
    error.note([&] { write_checkpoint(step_of_epoch_ == 0); });
  }
  error.note([&] {
    if (records) {
      record_training();
    }
    if (step_ > 0) {
      validate();
    }
  });
  const bool all_epochs = options_.epochs() > 0 && epoch_ >= options_.epochs();
  history_.stop_reason(
      is_stopping()    ? stop_reason_
          : all_epochs ? "all epochs"
                       : "all steps");
}

void FitLoop::end(FirstError& error) {
  if (saves() && !is_in_step_ && step_ != checkpoint_step_ && step_ > 0) {
    const bool at_epoch_end = step_of_epoch_ == 0;
    if (!error || !ranks_.are_some()) {
      error.note([&] { write_checkpoint(at_epoch_end); });
    } else if (ranks_.is_first() && training_.task_owners().empty()) {
      // The others may not come.
      error.note([&] { write_checkpoint(at_epoch_end, {}); });
    }
  }
  if (error) {
    history_.stop_reason("an error: " + error.message());
  }
  for (const auto& callback : callbacks_) {
    error.note([&] { callback->on_fit_end(fit_); });
  }
}

void FitLoop::give_final_weights() {
  const bool wants_best = options_.end_with() == EndWith::kBest;
  const std::string misfit = best_ ? best_->misfit() : "";
  if (wants_best && !misfit.empty()) {
    TORCH_WARN("Fit: the model keeps its last weights, for ", misfit);
  }
  if (wants_best && best_ && !best_->is_empty() && misfit.empty()) {
    best_->give("");
  } else if (average_) {
    average_->give();
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
  TORCH_CHECK(
      !average_ || !average_->is_lent(),
      "Fit: use_best was called while the model holds the averages to be "
      "validated; call it in on_epoch_end or on_step_end.");
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
