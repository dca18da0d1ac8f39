// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <polytask/core/labels.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace polytask::fit::detail {

/// The outputs and labels of several batches, one after the other: a metric
/// takes as long for a few rows as for many.
class JoinedRows {
 public:
  bool is_empty() const {
    return rows_ == 0;
  }
  /// Whether these rows are of the kind of those that are here, and there is
  /// room for them; never for so many that they need not wait.
  bool has_room_for(const at::Tensor& output, const Labels& labels) const;
  /// Copies the outputs: a head may use their memory again. There must be room.
  void add(const at::Tensor& output, const Labels& labels);
  /// All of them, and empties this; there must be some.
  std::pair<at::Tensor, Labels> take();

 private:
  static constexpr int64_t kElements = 1 << 16;

  at::Tensor outputs_;
  std::vector<Labels> labels_;
  int64_t rows_ = 0;
};

} // namespace polytask::fit::detail
