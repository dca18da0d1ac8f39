// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/fit/callback.h>
#include <polytask/fit/evaluation.h>
#include <polytask/fit/fit_options.h>
#include <polytask/fit/history.h>
#include <polytask/fit/training_data.h>
#include <polytask/training/training.h>

namespace polytask::fit {

namespace detail {
class FitLoop;
} // namespace detail

/// A whole training: epochs, validation, early stopping, checkpoints, and what
/// people see of it.
///
/// ```cpp
/// polytask::fit::Fit fit(joint, loader, polytask::fit::FitOptions()
///     .epochs(100).validation(valid).folder("runs/a"));
/// polytask::fit::History history = fit.run();
/// ```
class POLYTASK_API Fit {
 public:
  /// The training must outlive this, and so must a loader. Throws
  /// `c10::ValueError` on options that contradict each other.
  Fit(Training& training, TrainingData data, FitOptions options = {});
  ~Fit();
  Fit(const Fit&) = delete;
  Fit& operator=(const Fit&) = delete;

  /// Trains to the end, or goes on from the folder's newest whole checkpoint.
  /// Returns what was seen; `History::stop_reason` says why it ended.
  History run();

  /// Gives the model the weights of the best validation, or those that were
  /// best for a task: see `FitOptions::monitor` and `best_of_each_task`.
  void use_best(const std::string& task = "");

  // For callbacks, while it runs.

  Training& training();
  const MultiTaskModel& model() const;
  const FitOptions& options() const;
  const History& history() const;

  /// How many epochs have ended and are planned; 0 planned where only steps are
  /// counted.
  int64_t epoch() const;
  int64_t epochs() const;
  /// How many steps this fit has taken in all, and has planned; 0 where
  /// nobody knows.
  int64_t step() const;
  int64_t steps() const;
  /// How many steps of the present epoch are done, and how many it has; 0
  /// where nobody knows.
  int64_t step_of_epoch() const;
  int64_t steps_per_epoch() const;
  /// Time spent, with that before a resume.
  double seconds() const;
  /// The mean loss of each task [T] in the present epoch so far, NaN where it
  /// took no part; waits for a device.
  std::vector<double> losses() const;
  /// The learning rate of each parameter group.
  std::vector<double> learning_rates() const;

  /// Ends the training after the present step.
  void stop(const std::string& reason);
  bool is_stopping() const;
  /// Whether a signal has ended it; `run` goes on from there.
  bool is_interrupted() const;

 private:
  std::unique_ptr<detail::FitLoop> loop_;
};

} // namespace polytask::fit
