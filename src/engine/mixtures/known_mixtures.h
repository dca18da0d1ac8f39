// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <polytask/model/multi_task_model.h>

#include "../program/obstacle.h"
#include "parameter_places.h"

namespace polytask::detail {

/// A sharing that mixes features for each task, differentiated by hand: a
/// feature tensor for each task, and back through all of it the cotangents of
/// their sum or of n losses at once; no graph. N parameters are trained. Made
/// anew with the plan.
class KnownMixtures {
 public:
  /// Null where the sharing is of another kind; also, with the reason, where
  /// something in it is.
  static std::shared_ptr<KnownMixtures> of(
      const MultiTaskModel& model, bool has_tied_modules, std::string& reason);

  virtual ~KnownMixtures() = default;

  /// What it consists of, for reports.
  virtual const char* parts() const = 0;

  /// Why it cannot take a step on this input. `like`: a parameter of the model.
  Obstacle obstacle(
      const torch::Tensor& input, const torch::Tensor& like) const;

  /// The features of these tasks, in their order: without a graph, good until
  /// the next call. `is_differentiated`: a backward may follow.
  const std::vector<torch::Tensor>& forward(
      const torch::Tensor& input,
      const std::vector<int64_t>& tasks,
      bool is_differentiated = true);
  /// Whether the sharing may have a loss of its own after such a forward.
  virtual bool has_own_loss() const {
    return false;
  }
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
    return places_.elements() > 0;
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
    return places_.elements();
  }

 protected:
  explicit KnownMixtures(const Sharing& sharing);

  const ParameterPlaces& places() const {
    return places_;
  }
  /// Those of the last forward.
  const std::vector<int64_t>& tasks() const {
    return tasks_;
  }

  virtual Obstacle obstacle_within(const torch::Tensor& like) const = 0;
  /// Before the first forward of these tasks.
  virtual void want(const std::vector<int64_t>& tasks) = 0;
  /// Appends the features of these tasks. Dropout draws in the order in which
  /// `input` stands in memory, so it is not to be made contiguous before.
  virtual void run(
      const torch::Tensor& input,
      const std::vector<int64_t>& tasks,
      bool is_differentiated,
      std::vector<torch::Tensor>& features) = 0;
  /// Appends what such a forward uses.
  virtual void note_used(std::vector<torch::Tensor>& used) const = 0;
  /// From the cotangents of each task of `tasks()`, of the losses that are
  /// given for them: the rows of these.
  virtual void backward(
      const std::vector<torch::Tensor>& cotangents,
      const std::vector<int64_t>& losses,
      const torch::Tensor& rows) = 0;

 private:
  std::vector<torch::Tensor> registered_;
  std::vector<torch::Tensor> parameters_;
  ParameterPlaces places_;

  std::vector<int64_t> tasks_;
  std::vector<bool> used_;
  std::vector<torch::Tensor> features_;
  std::vector<int64_t> losses_;
};

} // namespace polytask::detail
