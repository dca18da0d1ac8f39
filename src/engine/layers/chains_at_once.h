// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/parallel_for.h"

#include "layer_chain.h"

namespace polytask::detail {

/// Passes through chains that do not read each other, such as those of experts:
/// each thread takes whole ones where there are enough of them and of work, for
/// threads that divide one product wait for each other after each.
class ChainsAtOnce {
 public:
  /// The next pass, on a matrix of rows.
  void add(const LayerChain& chain, const torch::Tensor& matrix) {
    ++count_;
    multiplications_ += matrix.size(0) * chain.elements();
    keeps_order_ = keeps_order_ || chain.draws() || !matrix.is_cpu();
  }

  /// Calls pass(i) for each, and then(i) in this thread after it: in order,
  /// each after the other, where one draws.
  template <typename Pass, typename Then>
  void run(const Pass& pass, const Then& then) const {
    const bool is_divided = is_divided_among_threads();
    if (is_divided) {
      divide(pass);
    }
    for (size_t i = 0; i < count_; ++i) {
      if (!is_divided) {
        pass(i);
      }
      then(i);
    }
  }
  template <typename Pass>
  void run(const Pass& pass) const {
    run(pass, [](size_t) {});
  }

 private:
  bool is_divided_among_threads() const {
    constexpr int64_t kWorth = 1 << 21;
    const auto threads = static_cast<size_t>(at::get_num_threads());
    return !keeps_order_ && threads > 1 && count_ >= threads &&
        multiplications_ >= kWorth && !at::in_parallel_region();
  }

  template <typename Pass>
  void divide(const Pass& pass) const {
    std::atomic<size_t> next{0};
    parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
      for (size_t i = next++; i < count_; i = next++) {
        pass(i);
      }
    });
  }

  size_t count_ = 0;
  int64_t multiplications_ = 0;
  bool keeps_order_ = false;
};

} // namespace polytask::detail
