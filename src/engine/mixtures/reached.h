// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>

namespace polytask::detail {

/// What reaches a matrix [B, ...] of the gradients of n losses: of `count` of
/// them, from `first` on, `values` [count · B, ...].
struct Reached {
  torch::Tensor values{};
  int64_t first = 0;
  int64_t count = 0;

  bool has(int64_t loss) const {
    return loss >= first && loss < first + count;
  }
  /// Reaches to those of another, too.
  void cover(const Reached& other) {
    if (count == 0) {
      first = other.first;
      count = other.count;
    } else if (other.count > 0) {
      const int64_t end = std::max(first + count, other.first + other.count);
      first = std::min(first, other.first);
      count = end - first;
    }
  }
  /// Of one that it has; `size`: elements of the matrix.
  template <typename Scalar>
  const Scalar* of(int64_t loss, int64_t size) const {
    return values.const_data_ptr<Scalar>() + (loss - first) * size;
  }
};

} // namespace polytask::detail
