// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/fit/early_stopping.h>
#include <polytask/model/multi_task_model.h>

#include <string>
#include <vector>

#include "fit/best_value.h"

namespace polytask::fit::detail {

/// Does what `EarlyStopping` says, by the validations of one split.
class EarlyStopper : public Callback {
 public:
  EarlyStopper(EarlyStopping options, std::string split);

  void on_fit_begin(Fit& fit) override;
  void on_validation_end(
      Fit& fit,
      const std::string& split,
      const Evaluation& evaluation) override;

  bool sees_steps() const override {
    return false;
  }
  std::string name() const override {
    return "early stopping";
  }
  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  struct Judged {
    /// Empty where all tasks are judged together.
    std::string task;
    std::string metric;
    BestValue value;
    /// After which epoch; -1 while it goes on.
    int64_t stopped_at = -1;
  };

  /// Null where it is not judged.
  const Judged* find(const std::string& task) const;
  void find_values(const Evaluation& evaluation);
  bool ran_out(const Judged& judged) const;
  void stop_task(Fit& fit, Judged& judged);
  bool have_all_stopped(const MultiTaskModelImpl& model) const;
  void stop_where_all_have(Fit& fit) const;

  EarlyStopping options_;
  std::string split_;
  std::vector<Judged> judged_;
};

} // namespace polytask::fit::detail
