// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <iosfwd>
#include <memory>
#include <string>

#include <polytask/core/api.h>
#include <polytask/fit/callback.h>

namespace polytask::fit {

/// How a training shows where it is.
enum class ProgressKind {
  /// A table on a terminal, lines elsewhere.
  kAuto,
  /// A line for each task, drawn anew in place while the training goes on.
  kTable,
  /// A line for each epoch.
  kLines,
  kSilent,
};

struct POLYTASK_API ProgressOptions {
  using Stream = std::ostream*;

  ProgressOptions(ProgressKind kind = ProgressKind::kAuto) : kind_(kind) {}

  TORCH_ARG(ProgressKind, kind);
  /// Where it is shown, which must outlive the training; null is `std::cerr`,
  /// so that a program's own results alone go to its output.
  TORCH_ARG(Stream, stream) = nullptr;
  /// The shortest time between two drawings, in seconds.
  TORCH_ARG(double, interval) = 0.1;
  /// Which value of a validation the lines show, as `Evaluation` names it;
  /// empty for `FitOptions::monitor`.
  TORCH_ARG(std::string, value) = "";
};

/// Shows where a training is: its losses and metrics, how fast it goes, and how
/// long it will take.
///
/// A table is cut to the terminal, whatever its size; there are no colours
/// where NO_COLOR is set, and no table where TERM is "dumb". Whoever prints
/// meanwhile finds the cursor at the start of a line. Losses on a device are
/// read so seldom that waiting for them takes no more than a hundredth of the
/// time.
class POLYTASK_API Progress : public Callback {
 public:
  /// Throws on an interval that is not positive.
  explicit Progress(ProgressOptions options = {});
  ~Progress() override;

  const ProgressOptions& options() const {
    return options_;
  }

  void on_fit_begin(Fit& fit) override;
  void on_fit_end(Fit& fit) override;
  void on_epoch_begin(Fit& fit) override;
  void on_epoch_end(Fit& fit) override;
  void on_step_end(Fit& fit, const StepReport& report) override;
  void on_validation_begin(Fit& fit) override;
  void on_validation_end(
      Fit& fit,
      const std::string& split,
      const Evaluation& evaluation) override;
  bool sees_steps() const override;

 private:
  struct State;

  void show(Fit& fit, const std::string& note, bool is_ended = false);

  ProgressOptions options_;
  ProgressKind kind_; // never kAuto
  std::unique_ptr<State> state_;
};

} // namespace polytask::fit
