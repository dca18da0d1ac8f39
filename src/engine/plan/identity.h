// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <polytask/model/multi_task_model.h>

namespace polytask::detail {

/// Which modules, parameters and buffers a model is made of, which of these are
/// trained, and what an optimizer holds. Values, memory, dtypes and modes may
/// change.
///
/// Keeps no object alive: what is compared with it must be held elsewhere, or
/// another could stand in its place.
class Identity {
 public:
  Identity(
      const MultiTaskModel& model, const torch::optim::Optimizer& optimizer);
  /// Of the model alone.
  explicit Identity(const MultiTaskModel& model);

  /// Whether these are still made of the same things, but for what is within
  /// heads. Allocates nothing, as does the other.
  bool is_of(
      const MultiTaskModel& model,
      const torch::optim::Optimizer& optimizer) const;
  /// Of a model alone, with its heads.
  bool is_of(const MultiTaskModel& model) const;
  /// If so, whether the heads of the tasks [begin, end) are, too.
  bool has_heads(const MultiTaskModel& model, int64_t begin, int64_t end) const;

 private:
  template <typename See>
  static bool look_at_common(
      const MultiTaskModel& model,
      const torch::optim::Optimizer* optimizer,
      const See& see);
  Identity(
      const MultiTaskModel& model, const torch::optim::Optimizer* optimizer);

  std::vector<const void*> common_;
  std::vector<const void*> heads_;
  /// Where in `heads_` that of each task begins, and the end.
  std::vector<size_t> starts_;
};

} // namespace polytask::detail
