// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/optim/optimizer.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <polytask/model/multi_task_model.h>

#include "identity.h"

namespace polytask::detail {

/// What a training knows of its model and optimizer, found out in time linear
/// in the number of tasks. No route keeps a list of its own; where the user
/// changed something, the plan is made anew.
class Plan {
 public:
  using Tensors = std::vector<torch::Tensor>;

  /// `learned`: the parameters of the balancing.
  Plan(
      const MultiTaskModel& model,
      const torch::optim::Optimizer& optimizer,
      const Tensors& learned);

  /// Whether model and optimizer are made of the same things as then, but for
  /// what is within heads.
  bool is_current(
      const MultiTaskModel& model,
      const torch::optim::Optimizer& optimizer) const {
    return structure_version_ == model->structure_version() &&
        identity_.is_of(model, optimizer);
  }
  /// If so, whether a head is, too, and whether all are.
  bool has_head(const MultiTaskModel& model, int64_t task) const {
    return identity_.has_heads(model, task, task + 1);
  }
  bool has_heads(const MultiTaskModel& model) const {
    return identity_.has_heads(model, 0, model->size());
  }

  /// All of the model, each once: what tasks share, then each task's own.
  const Tensors& parameters() const {
    return parameters_;
  }
  /// Whether some parameter stands in more than one module.
  bool has_tied_modules() const {
    return has_tied_modules_;
  }
  /// Those that are trained, in the same order, and held by the optimizer.
  const Tensors& trained() const {
    return trained_;
  }
  /// Of these, what more than one task uses: the columns of a Jacobian.
  const Tensors& shared() const {
    return shared_;
  }
  /// What is shared and trained, but not held by the optimizer.
  const Tensors& unheld() const {
    return unheld_;
  }
  /// What a task's head trains for this task alone.
  const Tensors& own(int64_t task) const {
    return of_tasks_[static_cast<size_t>(task)].own;
  }
  /// What the sharing trains for this task alone, such as a gate.
  const Tensors& gates(int64_t task) const {
    return of_tasks_[static_cast<size_t>(task)].gates;
  }
  /// Whether it is one of `shared`, or a gate of some task, or of `own` of this
  /// one.
  bool is_shared(const torch::Tensor& parameter) const {
    return is_of(parameter, kShared);
  }
  bool is_gate(const torch::Tensor& parameter) const {
    return is_of(parameter, kGate);
  }
  bool is_own(const torch::Tensor& parameter, int64_t task) const {
    return is_of(parameter, task);
  }
  bool has_gates() const {
    return has_gates_;
  }

  /// All that the optimizer holds.
  const Tensors& held() const {
    return held_;
  }
  /// Those of the model that it does not.
  const Tensors& left_out() const {
    return left_out_;
  }
  /// What it holds beside the model's and the balancing's.
  const Tensors& foreign() const {
    return foreign_;
  }

  const Tensors& buffers() const {
    return buffers_;
  }
  const std::vector<std::shared_ptr<torch::nn::Module>>& modules() const {
    return modules_;
  }
  /// Of the structure, for messages about what became of it.
  const std::vector<std::string>& task_names() const {
    return names_;
  }
  const std::vector<Task>& tasks() const {
    return tasks_;
  }
  const Sharing* sharing() const {
    return sharing_;
  }

 private:
  // In place of a task.
  static constexpr int64_t kShared = -1;
  static constexpr int64_t kGate = -2;

  struct OfTask {
    Tensors own;
    Tensors gates;
  };

  bool is_of(const torch::Tensor& parameter, int64_t owner) const {
    const auto found = owners_.find(parameter.unsafeGetTensorImpl());
    return found != owners_.end() && found->second == owner;
  }
  void sort_parameters(const MultiTaskModel& model);

  int64_t structure_version_;
  Identity identity_;
  Tensors parameters_;
  Tensors trained_;
  Tensors shared_;
  Tensors unheld_;
  std::vector<OfTask> of_tasks_;
  std::unordered_map<const c10::TensorImpl*, int64_t> owners_;
  Tensors held_;
  Tensors left_out_;
  Tensors foreign_;
  Tensors buffers_;
  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  std::vector<std::string> names_;
  std::vector<Task> tasks_;
  const Sharing* sharing_;
  bool has_tied_modules_ = false;
  bool has_gates_ = false;
};

/// All that an optimizer holds, group by group.
std::vector<torch::Tensor> held_by(const torch::optim::Optimizer& optimizer);

/// Those that are to be trained.
std::vector<torch::Tensor> trained(std::vector<torch::Tensor> parameters);

} // namespace polytask::detail
