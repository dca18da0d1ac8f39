// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/fit/fit.h>

#include <algorithm>
#include <string>
#include <utility>

namespace polytask::fit::detail {

/// Keeps history.csv and history.jsonl of a folder up to date: at the end, and
/// meanwhile so seldom that writing takes no more than a fiftieth of the time.
class HistoryFiles : public Callback {
 public:
  explicit HistoryFiles(std::string folder) : folder_(std::move(folder)) {}

  void on_epoch_end(Fit& fit) override {
    if (fit.seconds() >= due_) {
      write(fit);
    }
  }
  void on_fit_end(Fit& fit) override {
    write(fit);
  }
  bool sees_steps() const override {
    return false;
  }

 private:
  static constexpr double kLeastSeconds = 5;

  void write(const Fit& fit) {
    const double began = fit.seconds();
    fit.history().write_csv(folder_ + "/history.csv");
    fit.history().write_json_lines(folder_ + "/history.jsonl");
    const double ended = fit.seconds();
    due_ = ended + std::max(kLeastSeconds, 50 * (ended - began));
  }

  std::string folder_;
  double due_ = 0;
};

} // namespace polytask::fit::detail
