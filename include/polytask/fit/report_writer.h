// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>

#include <polytask/core/api.h>
#include <polytask/fit/callback.h>
#include <polytask/fit/report.h>

namespace polytask::fit {

/// Writes `<folder>/report.html` after validations, but not more often than
/// every 30 seconds, and at the end.
///
/// ```cpp
/// options.callback(std::make_shared<polytask::fit::ReportWriter>(
///     "runs/a", [](polytask::fit::Report& report) {
///       report.facts.emplace_back("data", "SARCOS");
///     }));
/// ```
class POLYTASK_API ReportWriter : public Callback {
 public:
  /// `complete` adds to what the history and the model tell; it is called
  /// before each writing, on a new report.
  explicit ReportWriter(
      std::string folder, std::function<void(Report&)> complete = {});

  void on_validation_end(
      Fit& fit,
      const std::string& split,
      const Evaluation& evaluation) override;
  void on_fit_end(Fit& fit) override;
  bool sees_steps() const override {
    return false;
  }

 private:
  void write(Fit& fit);

  std::string folder_;
  std::function<void(Report&)> complete_;
  std::map<std::string, bool> higher_is_better_;
  double due_ = 0;
};

} // namespace polytask::fit
