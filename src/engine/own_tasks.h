// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/engine/task_owners.h>
#include <torch/optim/optimizer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "peers.h"
#include "plan/plan.h"

namespace polytask::detail {

/// The tasks that this process trains: all of them, or those that it owns with
/// its group of processes.
class OwnTasks {
 public:
  explicit OwnTasks(TaskOwners owners) : owners_(std::move(owners)) {}

  bool are_all() const {
    return owners_.empty();
  }
  bool has(int64_t task) const {
    return are_all() || has_[static_cast<size_t>(task)];
  }
  /// Throws, by name, on labels of a task that it does not have.
  void check(int64_t task, const std::string& name) const {
    if (!has(task)) {
      refuse(name);
    }
  }
  /// How many groups there are, and the place of this process's.
  size_t groups() const {
    return are_all() ? 1 : owners_.groups().size();
  }
  size_t group() const {
    return group_;
  }
  int64_t ranks_of(size_t group, const Peers& all) const {
    return are_all() ? all.size() : owners_.groups()[group].ranks;
  }
  std::string description() const;

  /// For a plan. Throws, by name, unless the owners are so many processes and
  /// have each task of the model.
  void bind(const MultiTaskModel& model, const Plan& plan, const Peers& all);
  /// Once, when all have the same owners, parameters and buffers.
  void join(
      const MultiTaskModel& model, const std::shared_ptr<Communicator>& all);

  /// Whose gradients all processes add up; those that a balancing learns, all
  /// compute from the same losses.
  const std::vector<torch::Tensor>& summed_by_all() const {
    return summed_by_all_;
  }
  /// Adds up those of the tasks that this process trains.
  void sum_gradients() {
    of_group_.sum_gradients_after(
        summed_by_owners_, 0, [](std::vector<double>&) {});
  }
  /// The Euclidean norm of the gradients of these parameters, and of those that
  /// other processes have by themselves: the same bits on all. Nothing where
  /// all train all.
  std::optional<double> norm(
      const std::vector<torch::Tensor>& parameters, const Peers& all) const;

  /// Throws where a gradient that owners will sum is sparse.
  void check_gradients() const {
    Peers::check_dense(summed_by_owners_);
  }
  /// Gives all what owners have, and one rank's buffers.
  void gather(
      const MultiTaskModel& model,
      torch::optim::Optimizer& optimizer,
      const Peers& all);

 private:
  [[noreturn]] void refuse(const std::string& name) const;
  void note_buffers(const MultiTaskModel& model);
  void gather_buffers(const MultiTaskModel& model, const Peers& all);

  TaskOwners owners_;
  size_t group_ = 0;
  std::vector<bool> has_; // by task
  std::vector<torch::Tensor> summed_by_all_;
  std::vector<torch::Tensor> summed_by_owners_;
  Peers of_group_{nullptr};
  /// Hashes of the buffers when all had the same.
  std::unordered_map<const c10::TensorImpl*, size_t> noted_;
};

} // namespace polytask::detail
