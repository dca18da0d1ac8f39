// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>
#include <polytask/core/step_report.h>
#include <polytask/fit/evaluation.h>

namespace polytask::fit {

class Fit;

/// Does something at certain moments of a training. Derive from it and write
/// the functions that you need; what polytask does itself (early stopping,
/// schedulers, files, what is shown) is written the same way.
///
/// The order of the calls:
///
///     on_fit_begin
///       on_epoch_begin
///         on_step_begin, on_step_end                 for each step
///         on_validation_begin, on_validation_end     where one is due
///         on_checkpoint                              where one was written
///       on_epoch_end
///     on_fit_end
///
/// Callbacks are called in the order in which they were given, after
/// polytask's own. One that throws ends the training as if it had been
/// interrupted: what was done is saved, and the error goes to the caller.
///
/// ```cpp
/// struct Stop : polytask::fit::Callback {
///   void on_step_end(polytask::fit::Fit& fit, const polytask::StepReport&)
///       override {
///     if (fit.step() == 1000) { fit.stop("that is enough"); }
///   }
/// };
/// ```
class POLYTASK_API Callback {
 public:
  virtual ~Callback() = default;

  /// `on_fit_begin` comes after a training was taken up again.
  virtual void on_fit_begin(Fit& /*fit*/) {}
  virtual void on_fit_end(Fit& /*fit*/) {}
  virtual void on_epoch_begin(Fit& /*fit*/) {}
  virtual void on_epoch_end(Fit& /*fit*/) {}
  virtual void on_step_begin(Fit& /*fit*/) {}
  virtual void on_step_end(Fit& /*fit*/, const StepReport& /*report*/) {}
  virtual void on_validation_begin(Fit& /*fit*/) {}
  /// Once for each validation set.
  virtual void on_validation_end(
      Fit& /*fit*/,
      const std::string& /*split*/,
      const Evaluation& /*evaluation*/) {}
  virtual void on_checkpoint(Fit& /*fit*/, const std::string& /*path*/) {}

  /// Whether `on_step_begin` and `on_step_end` do anything: what is not called
  /// costs nothing.
  virtual bool sees_steps() const {
    return true;
  }

  /// Under which checkpoints keep what `save` writes; nothing is kept under an
  /// empty name.
  virtual std::string name() const {
    return "";
  }
  virtual void save(torch::serialize::OutputArchive& /*archive*/) const {}
  virtual void load(torch::serialize::InputArchive& /*archive*/) {}
};

} // namespace polytask::fit
