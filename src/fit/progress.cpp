// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/progress.h>

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <iostream>
#include <utility>

#include <polytask/fit/fit.h>

#include "fit/progress_numbers.h"
#include "fit/progress_text.h"
#include "fit/shown_text.h"
#include "fit/step_clock.h"
#include "fit/terminal.h"

namespace polytask::fit {

namespace {

std::ostream& stream_of(const ProgressOptions& options) {
  return options.stream() ? *options.stream() : std::cerr;
}

detail::ProgressMoment moment_of(Fit& fit, int64_t epoch) {
  detail::ProgressMoment moment;
  moment.epoch = epoch;
  moment.epochs = fit.epochs();
  moment.step = fit.step();
  moment.steps = fit.steps();
  moment.has_ended = epoch > 0 && fit.epoch() >= epoch;
  moment.step_of_epoch = fit.step_of_epoch();
  moment.steps_per_epoch = fit.steps_per_epoch();
  return moment;
}

// The record of the training's steps, where they have just been recorded; from
// then on a fit tells the losses of the next epoch.
const HistoryRecord* training_now(const Fit& fit) {
  const auto& records = fit.history().records();
  for (auto record = records.rbegin();
       record != records.rend() && record->step == fit.step();
       ++record) {
    if (record->split == "train") {
      return &*record;
    }
  }
  return nullptr;
}

// How many epochs had ended by a validation, as its record says.
int64_t epoch_of_validation(
    const History& history, const std::string& split, int64_t present) {
  const auto& records = history.records();
  return !records.empty() && records.back().split == split
      ? records.back().epoch
      : present;
}

} // namespace

struct Progress::State {
  State(const Fit& fit, const ProgressOptions& options)
      : numbers(
            fit.model()->task_names(),
            options.value().empty() ? fit.options().monitor()
                                    : options.value()),
        style(polytask::detail::terminal_style(stream_of(options))),
        due(options.interval()) {}

  detail::ProgressNumbers numbers;
  polytask::detail::TerminalStyle style;
  polytask::detail::DueTime due;
  polytask::detail::Pace pace;
  polytask::detail::LiveLines table;
  int64_t epoch = 0;       // that goes on, from 1
  int64_t shown_step = -1; // of the last line
  double table_due = 0;
  double losses_due = 0;
};

Progress::Progress(ProgressOptions options)
    : options_(std::move(options)), kind_(options_.kind()) {
  TORCH_CHECK_VALUE(
      options_.interval() > 0,
      "Progress: expected a positive interval, but got ",
      options_.interval(),
      ".");
  if (kind_ == ProgressKind::kAuto) {
    kind_ = polytask::detail::is_terminal(stream_of(options_))
        ? ProgressKind::kTable
        : ProgressKind::kLines;
  }
}

Progress::~Progress() = default;

bool Progress::sees_steps() const {
  return kind_ == ProgressKind::kTable;
}

void Progress::on_fit_begin(Fit& fit) {
  if (kind_ == ProgressKind::kSilent) {
    return;
  }
  state_ = std::make_unique<State>(fit, options_);
  state_->epoch = fit.epoch() + (fit.step_of_epoch() > 0 ? 1 : 0);
  const auto moment = moment_of(fit, state_->epoch);
  state_->pace.add(
      moment.step, moment.part_done(), polytask::detail::steady_seconds());
  if (fit.step() > 0) {
    stream_of(options_) << polytask::detail::printable(fmt::format(
                               "goes on after epoch {}, step {}{}",
                               fit.epoch(),
                               fit.step(),
                               fit.options().folder().empty()
                                   ? ""
                                   : ", of " + fit.options().folder()))
                        << std::endl;
  }
}

void Progress::on_epoch_begin(Fit& fit) {
  if (state_) {
    state_->epoch = fit.epoch() + 1;
  }
  if (state_ && kind_ == ProgressKind::kTable) {
    show(fit, "");
  }
}

void Progress::on_step_end(Fit& fit, const StepReport& /*report*/) {
  if (state_ && state_->due.look() &&
      state_->due.is_due(polytask::detail::steady_seconds())) {
    show(fit, "");
  }
}

void Progress::on_validation_begin(Fit& fit) {
  if (state_ && kind_ == ProgressKind::kTable) {
    show(fit, "validating");
  }
}

void Progress::on_validation_end(
    Fit& fit, const std::string& split, const Evaluation& evaluation) {
  if (!state_) {
    return;
  }
  const History& history = fit.history();
  state_->numbers.see(
      split,
      evaluation,
      epoch_of_validation(history, split, state_->epoch),
      history);
  // What an epoch's end shows anyway is not shown twice.
  if (kind_ == ProgressKind::kTable || fit.step_of_epoch() > 0) {
    show(fit, "");
  }
}

void Progress::on_epoch_end(Fit& fit) {
  if (state_) {
    show(fit, "");
  }
}

void Progress::on_fit_end(Fit& fit) {
  if (!state_) {
    return;
  }
  const std::string& reason = fit.history().stop_reason();
  const bool has_folder = !fit.options().folder().empty();
  std::string note =
      reason.starts_with("an error") ? "ended by " + reason : "done: " + reason;
  if (fit.is_interrupted() && !reason.starts_with("an error")) {
    note = reason + (has_folder ? ", run again to go on," : "");
  }
  if (kind_ == ProgressKind::kTable) {
    show(fit, note, true);
  } else {
    stream_of(options_) << polytask::detail::printable(note) << " after "
                        << polytask::detail::short_duration(fit.seconds())
                        << std::endl;
  }
  state_.reset();
}

void Progress::show(Fit& fit, const std::string& note, bool is_ended) {
  const bool is_table = kind_ == ProgressKind::kTable;
  if (!is_table && fit.step() == state_->shown_step) {
    return; // a validation was the last thing of the epoch
  }
  const double now = polytask::detail::steady_seconds();
  if (is_table && !is_ended && now < state_->table_due) {
    return; // epochs may be faster than eyes
  }
  state_->table_due = now + options_.interval();
  if (const auto* record = training_now(fit)) {
    state_->numbers.see_training(*record);
  } else if (!is_table || is_ended || now >= state_->losses_due) {
    state_->numbers.see_losses(fit.losses());
    const double after = polytask::detail::steady_seconds();
    state_->losses_due = after + 100 * (after - now);
  }
  auto moment = moment_of(fit, state_->epoch);
  moment.note = note;
  state_->pace.add(moment.step, moment.part_done(), now);
  moment.steps_per_second = state_->pace.steps_per_second();
  if (!is_ended) {
    moment.seconds_left = state_->pace.seconds_left();
  }
  state_->numbers.write_to(moment);
  state_->shown_step = moment.step;
  std::ostream& stream = stream_of(options_);
  if (!is_table) {
    stream << detail::progress_line(moment) << std::endl;
    return;
  }
  const auto size = polytask::detail::terminal_size(stream);
  stream << state_->table.draw(
                detail::progress_table(moment, size, state_->style), size)
         << std::flush;
}

} // namespace polytask::fit
