// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>
#include <polytask/fit/callback.h>
#include <polytask/fit/fit_options.h>

#include <memory>
#include <string>
#include <utility>

namespace polytask::fit::detail {

/// Counts a started scheduler's steps or epochs.
class ScheduleRates : public Callback {
 public:
  ScheduleRates(std::shared_ptr<optim::Scheduler> scheduler, Every every)
      : scheduler_(std::move(scheduler)), every_(every) {}

  void on_step_end(Fit& /*fit*/, const StepReport& /*report*/) override {
    scheduler_->step();
  }
  void on_epoch_end(Fit& /*fit*/) override {
    if (every_ == Every::kEpoch) {
      scheduler_->step();
    }
  }
  bool sees_steps() const override {
    return every_ == Every::kStep;
  }
  std::string name() const override {
    return "scheduler";
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    scheduler_->save(archive);
  }
  void load(torch::serialize::InputArchive& archive) override {
    scheduler_->load(archive);
  }

 private:
  std::shared_ptr<optim::Scheduler> scheduler_;
  Every every_;
};

/// Tells a started ReduceLROnPlateau a value of each validation of one split.
class LowerRates : public Callback {
 public:
  LowerRates(
      const optim::ReduceLROnPlateauOptions& options,
      torch::optim::Optimizer& optimizer,
      std::string split,
      std::string metric)
      : scheduler_(options),
        takes_higher_(
            options.mode() == optim::ReduceLROnPlateauOptions::Mode::kMax),
        split_(std::move(split)),
        metric_(std::move(metric)) {
    scheduler_.start(optimizer);
  }

  void on_validation_end(
      Fit& /*fit*/,
      const std::string& split,
      const Evaluation& evaluation) override {
    if (split == split_) {
      const double value = evaluation[metric_];
      TORCH_CHECK_VALUE(
          evaluation.higher_is_better(metric_) == takes_higher_,
          "ReduceLROnPlateau: ",
          metric_,
          " is better where it is ",
          takes_higher_ ? "lower" : "higher",
          "; set the option mode to that.");
      scheduler_.step(value);
    }
  }
  bool sees_steps() const override {
    return false;
  }
  std::string name() const override {
    return "plateau";
  }
  void save(torch::serialize::OutputArchive& archive) const override {
    scheduler_.save(archive);
  }
  void load(torch::serialize::InputArchive& archive) override {
    scheduler_.load(archive);
  }

 private:
  optim::ReduceLROnPlateau scheduler_;
  bool takes_higher_;
  std::string split_;
  std::string metric_;
};

} // namespace polytask::fit::detail
