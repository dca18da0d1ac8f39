// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <polytask/model/multi_task_model.h>

#include "known_level.h"

namespace polytask::detail {

/// A sharing of experts and gates that the engine differentiates by hand: a
/// feature tensor for each task, and back through all levels the cotangents of
/// their sum or of n losses at once; no graph. N parameters are trained.
class KnownMixtures {
 public:
  /// Null where the sharing is of another kind; also, with the reason, where
  /// something in it is. Made anew with the plan.
  static std::shared_ptr<KnownMixtures> of(
      const MultiTaskModel& model, bool has_tied_modules, std::string& reason);

  /// Why it cannot take a step on this input. `like`: a parameter of the model.
  Obstacle obstacle(
      const torch::Tensor& input, const torch::Tensor& like) const;

  /// The features of these tasks, in their order: without a graph, good until
  /// the next call.
  const std::vector<torch::Tensor>& forward(
      const torch::Tensor& input, const std::vector<int64_t>& tasks);
  /// From the cotangents of those features, each of a loss of its own: `rows`
  /// [n, N] of their gradients. May write to the cotangents.
  void write_rows(
      const std::vector<torch::Tensor>& cotangents, const torch::Tensor& rows);
  /// The same of their sum, as one row; `row` [1, N] is written where this
  /// forward used parameters.
  void write_sum(
      const std::vector<torch::Tensor>& cotangents, const torch::Tensor& row);

  /// Whether anything in it is trained.
  bool learns() const {
    return elements_ > 0;
  }
  /// Those that are trained, in the order of a row.
  const std::vector<torch::Tensor>& parameters() const {
    return parameters_;
  }
  /// All, frozen ones too.
  const std::vector<torch::Tensor>& registered() const {
    return registered_;
  }
  /// Of those that are trained, whether the last forward used them.
  const std::vector<bool>& used() const {
    return used_;
  }
  int64_t elements() const {
    return elements_;
  }

 private:
  KnownMixtures() = default;

  void backward(std::vector<StateCotangents> above, const torch::Tensor& rows);
  /// Finds out which states these tasks need.
  void want(const std::vector<int64_t>& tasks);
  void note_used();

  std::vector<std::unique_ptr<KnownLevel>> levels_;
  size_t tasks_ = 0;
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> registered_;
  ParameterPlaces places_;
  int64_t elements_ = 0;

  // Of the tasks of the last forward.
  std::vector<int64_t> of_tasks_;
  std::vector<KnownLevel::Wanted> wanted_;
  std::vector<bool> used_;
  std::vector<torch::Tensor> features_;
};

} // namespace polytask::detail
