// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <polytask/core/communicator.h>
#include <polytask/fit/evaluate.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/peers.h"

namespace polytask::fit::detail {

using TaskCounts = std::vector<std::pair<std::string, int64_t>>;

/// What the processes of a `Fit` agree on, of which the first writes; of one
/// process, what it says.
class FitRanks {
 public:
  explicit FitRanks(const std::shared_ptr<Communicator>& group)
      : group_(group), peers_(group) {}

  bool are_some() const {
    return peers_.are_some();
  }
  int64_t rank() const {
    return peers_.rank();
  }
  int64_t size() const {
    return peers_.size();
  }
  bool is_first() const {
    return peers_.rank() == 0;
  }

  /// Does on the first what all have to wait for; where it throws, all do.
  template <typename Action>
  void by_first(const Action& action) const {
    peers_.sum_after(0, [&](std::vector<double>&) {
      if (is_first()) {
        action();
      }
    });
  }
  /// Does on each what may fail on one; where it throws, all do.
  template <typename Action>
  void together(const Action& action) const {
    peers_.sum_after(0, [&](std::vector<double>&) { action(); });
  }
  /// How many labels all have of each task, from those of this rank, which are
  /// empty where it does not know; empty where some rank does not.
  TaskCounts labels_of_all(
      const MultiTaskModel& model, const TaskCounts& own) const;
  /// What the first says.
  bool of_first(bool value) const;
  std::string of_first(const std::string& text) const {
    return peers_.of_first(text);
  }
  std::vector<std::string> of_all(const std::string& text) const {
    return peers_.of_all(text);
  }
  /// Whether some rank says so, of each.
  std::pair<bool, bool> some(bool first, bool second) const;
  /// This rank's part of rows that all have.
  EvaluationData own(const EvaluationData& data) const {
    return are_some() ? data.shard(peers_.rank(), peers_.size()) : data;
  }
  /// Throws unless all have this length of an epoch.
  void check_length(int64_t steps) const;

  /// [P, bytes]: the generators of all.
  at::Tensor random_states() const;
  /// Sets that of this rank; not where there were more or fewer.
  void restore_random(const at::Tensor& states) const;

 private:
  std::shared_ptr<Communicator> group_;
  polytask::detail::Peers peers_;
};

} // namespace polytask::fit::detail
