// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/fit/fit.h>

#include <string>
#include <utility>

#include "fit/step_clock.h"

namespace polytask::fit::detail {

/// Keeps history.csv and history.jsonl of a folder up to date: at the end, and
/// meanwhile so seldom that writing takes no more than a fiftieth of the time.
class HistoryFiles : public Callback {
 public:
  explicit HistoryFiles(std::string folder) : folder_(std::move(folder)) {}

  void on_validation_end(
      Fit& fit,
      const std::string& /*split*/,
      const Evaluation& /*evaluation*/) override {
    write_where_due(fit);
  }
  void on_epoch_end(Fit& fit) override {
    write_where_due(fit);
  }
  void on_fit_end(Fit& fit) override {
    write(fit);
  }
  bool sees_steps() const override {
    return false;
  }

 private:
  void write_where_due(const Fit& fit) {
    if (polytask::detail::steady_seconds() >= due_) {
      write(fit);
    }
  }
  void write(const Fit& fit) {
    const double began = polytask::detail::steady_seconds();
    fit.history().write_csv(folder_ + "/history.csv");
    fit.history().write_json_lines(folder_ + "/history.jsonl");
    due_ = polytask::detail::next_write(began, 5);
  }

  std::string folder_;
  double due_ = 0;
};

} // namespace polytask::fit::detail
