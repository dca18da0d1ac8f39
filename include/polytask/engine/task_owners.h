// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// Which of several processes train which tasks (task parallel). What tasks
/// share is trained by all of them; what a task has for itself, by its owners
/// alone, who alone have rows for it: nobody else sums its gradients, keeps a
/// moment of it, or moves it.
///
/// ```cpp
/// auto owners = polytask::TaskOwners::in_proportion(
///     {{"sight", 90000}, {"touch", 10000}}, group->size());
/// polytask::JointTraining joint(model, torch::optim::AdamOptions(1e-3),
///     polytask::JointTrainingOptions().communicator(group).task_owners(owners));
/// ```
class POLYTASK_API TaskOwners {
 public:
  /// So many ranks that follow each other train these tasks.
  struct Group {
    std::vector<std::string> tasks;
    int64_t ranks = 1;
  };

  /// All ranks train all tasks.
  TaskOwners() = default;
  /// The first ranks are those of the first group. Throws `c10::ValueError`
  /// where a group has no rank or no task, or two have the same.
  explicit TaskOwners(std::vector<Group> groups);

  /// For so many rows of each task and `size` ranks. Where tasks are no more
  /// than ranks, each has a group, and the next rank goes to where most rows
  /// come on one; where they are more, each rank is a group, and the next task,
  /// from the largest on, goes to the rank with the fewest rows.
  ///
  /// Throws `c10::ValueError` on a number below 1 and on no task.
  static TaskOwners in_proportion(
      const std::vector<std::pair<std::string, int64_t>>& rows, int64_t size);

  bool empty() const {
    return groups_.empty();
  }
  const std::vector<Group>& groups() const {
    return groups_;
  }
  /// Of all groups together.
  int64_t ranks() const;
  /// The place of a rank's group. Throws `c10::ValueError` outside of 0 to
  /// ranks() - 1.
  int64_t group_of(int64_t rank) const;
  /// How many ranks a rank's group has, and its own place among them: what
  /// `data::LoaderOptions::shard` needs.
  int64_t ranks_with(int64_t rank) const {
    return groups_[static_cast<size_t>(group_of(rank))].ranks;
  }
  int64_t place_of(int64_t rank) const;
  /// The tasks of a rank.
  const std::vector<std::string>& tasks_of(int64_t rank) const {
    return groups_[static_cast<size_t>(group_of(rank))].tasks;
  }

 private:
  std::vector<Group> groups_;
};

} // namespace polytask
