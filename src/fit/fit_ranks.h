// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <polytask/core/communicator.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/peers.h"

namespace polytask::fit::detail {

/// What the processes of a `Fit` agree on, of which the first writes; of one
/// process, what it says.
class FitRanks {
 public:
  explicit FitRanks(const std::shared_ptr<Communicator>& group)
      : group_(group), peers_(group) {}

  bool are_some() const {
    return peers_.are_some();
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
  /// What the first says.
  bool of_first(bool value) const;
  std::string of_first(const std::string& text) const {
    return peers_.of_first(text);
  }
  /// Whether some rank says so, of each.
  std::pair<bool, bool> some(bool first, bool second) const;
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
