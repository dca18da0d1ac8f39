// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/fit/callback.h>
#include <polytask/fit/checkpoint_options.h>
#include <polytask/fit/early_stopping.h>
#include <polytask/fit/evaluate.h>
#include <polytask/fit/progress.h>
#include <polytask/fit/training_data.h>
#include <polytask/optim/scheduler.h>
#include <polytask/optim/schedulers/reduce_lr_on_plateau.h>

namespace polytask::fit {

/// With which weights a training leaves the model.
enum class EndWith {
  /// The best ones by `FitOptions::monitor` where there is a validation, else
  /// the last.
  kBest,
  kLast,
};

/// When a scheduler counts.
enum class Every { kStep, kEpoch };

struct POLYTASK_API FitOptions {
  /// How long: epochs, or steps, whichever ends first; at least one of them.
  TORCH_ARG(int64_t, epochs) = 0;
  TORCH_ARG(int64_t, steps) = 0;
  /// Ends an epoch after so many steps, for batches without end; 0: where the
  /// batches end it.
  TORCH_ARG(int64_t, steps_per_epoch) = 0;

  /// Validates after so many epochs, and after so many steps; 0 is never. The
  /// last epoch is always followed by a validation.
  TORCH_ARG(int64_t, validate_every_epochs) = 1;
  TORCH_ARG(int64_t, validate_every_steps) = 0;
  TORCH_ARG(EvaluateOptions, evaluate) = {};
  /// By which value of the first validation set the best weights are chosen.
  TORCH_ARG(std::string, monitor) = "mean/loss";
  TORCH_ARG(EndWith, end_with) = EndWith::kBest;
  /// Keep the weights that are best for each task too, by its value of this
  /// metric ("loss"), where it has it; empty for none. Takes the memory of the
  /// model for each task. `Fit::use_best(task)` sets them.
  TORCH_ARG(std::string, best_of_each_task) = "";
  TORCH_ARG(std::optional<EarlyStopping>, early_stopping) = std::nullopt;

  /// One update for so many batches, as `Training::step_accumulated`.
  TORCH_ARG(int64_t, accumulate) = 1;
  /// Validates, and ends, with an exponential moving average of the weights:
  /// after each step average = decay * average + (1 - decay) * weights. 0 for
  /// none. Buffers are those of the model.
  TORCH_ARG(double, averaging) = 0;

  /// Where checkpoints, history, events and report go; empty for nowhere. A
  /// training with checkpoints there is taken up again.
  TORCH_ARG(std::string, folder) = "";
  TORCH_ARG(CheckpointOptions, checkpoints) = {};
  /// In the folder: event files for TensorBoard, and report.html.
  TORCH_ARG(bool, events) = true;
  TORCH_ARG(bool, report) = true;
  /// For the report: how the gradients stand to each other in every so many
  /// steps, where the balancing reads them; 0 is never.
  TORCH_ARG(int64_t, conflicts_every_steps) = 100;

  TORCH_ARG(ProgressOptions, progress) = {};
  /// Sends some rows of everything through the model before the first epoch,
  /// and refuses by name what does not fit.
  TORCH_ARG(bool, dry_run) = true;
  /// Ctrl-C (and SIGTERM) ends the training after the present step; the second
  /// one does what it always does. Not where the program has a handler.
  TORCH_ARG(bool, handle_signals) = true;

 public:
  /// Rows to validate on; the first call's are those that everything is judged
  /// by.
  FitOptions& validation(EvaluationData data) {
    return validation("validation", std::move(data));
  }
  FitOptions& validation(std::string name, EvaluationData data) {
    validations_.emplace_back(std::move(name), std::move(data));
    return *this;
  }
  const std::vector<std::pair<std::string, EvaluationData>>& validations()
      const {
    return validations_;
  }

  /// Sets the learning rates after each step or epoch.
  FitOptions& scheduler(
      std::shared_ptr<optim::Scheduler> scheduler, Every every = Every::kStep) {
    scheduler_ = std::move(scheduler);
    scheduler_every_ = every;
    return *this;
  }
  const std::shared_ptr<optim::Scheduler>& scheduler() const {
    return scheduler_;
  }
  Every scheduler_every() const {
    return scheduler_every_;
  }

  /// Lowers the learning rates where a value of the first validation set has
  /// stopped getting better; `monitor` unless one is named.
  FitOptions& plateau(
      const optim::ReduceLROnPlateauOptions& options, std::string name = "") {
    plateau_ = options;
    plateau_name_ = std::move(name);
    return *this;
  }
  const std::optional<optim::ReduceLROnPlateauOptions>& plateau() const {
    return plateau_;
  }
  const std::string& plateau_name() const {
    return plateau_name_.empty() ? monitor_ : plateau_name_;
  }

  /// Batches of which bilevel methods learn the tasks' weights, such as those
  /// of validation rows; the next ones of the training unless given.
  FitOptions& outer(TrainingData data) {
    outer_ = std::move(data);
    return *this;
  }
  const std::optional<TrainingData>& outer() const {
    return outer_;
  }

  FitOptions& callback(std::shared_ptr<Callback> callback) {
    callbacks_.push_back(std::move(callback));
    return *this;
  }
  const std::vector<std::shared_ptr<Callback>>& callbacks() const {
    return callbacks_;
  }

 private:
  std::vector<std::pair<std::string, EvaluationData>> validations_;
  std::shared_ptr<optim::Scheduler> scheduler_;
  Every scheduler_every_ = Every::kStep;
  std::optional<optim::ReduceLROnPlateauOptions> plateau_;
  std::string plateau_name_;
  std::optional<TrainingData> outer_;
  std::vector<std::shared_ptr<Callback>> callbacks_;
};

} // namespace polytask::fit
