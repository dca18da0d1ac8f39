// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/model/multi_task_model.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fit/best_value.h"
#include "fit/weights_copy.h"

namespace polytask::fit::detail {

/// Copies of the model as it was at the best validation, by one value for the
/// whole and, where wanted, by one for each task.
class BestWeights : public Callback {
 public:
  BestWeights(
      MultiTaskModel model,
      std::string split,
      std::string monitor,
      std::string of_each_task);

  void on_validation_end(
      Fit& fit,
      const std::string& split,
      const Evaluation& evaluation) override;

  /// Whether the validation after that step was the best so far.
  bool is_best_at(int64_t step) const {
    return best_step_ == step;
  }
  bool is_empty() const {
    return best_.front().weights.is_empty();
  }
  /// Why the best weights no longer fit the model; empty where they do.
  std::string misfit() const {
    return best_.front().weights.misfit(*model_.ptr());
  }
  /// Gives the model the best weights, or those that are best for a task.
  void give(const std::string& task) const;

  bool sees_steps() const override {
    return false;
  }
  std::string name() const override {
    return "best weights";
  }
  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  struct Best {
    /// Empty for the whole.
    std::string task;
    std::string metric;
    BestValue value;
    WeightsCopy weights;
  };

  MultiTaskModel model_;
  std::string split_;
  std::vector<Best> best_;
  int64_t best_step_ = -1;
};

} // namespace polytask::fit::detail
