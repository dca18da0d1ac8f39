// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace polytask::detail {

/// The buffers of a model as they were before a forward, such as the running
/// statistics of a batch normalisation. Memory is kept from step to step.
class SavedBuffers {
 public:
  void save(const std::vector<at::Tensor>& buffers);
  void put_back();

  /// Does `action`, and puts the buffers back if it throws.
  template <typename Action>
  auto guard(const std::vector<at::Tensor>& buffers, Action&& action) {
    if (buffers.empty()) {
      return action();
    }
    save(buffers);
    try {
      return action();
    } catch (...) {
      put_back();
      throw;
    }
  }

 private:
  struct Saved {
    at::Tensor buffer;
    at::Tensor copy;
  };

  std::vector<Saved> saved_;
};

} // namespace polytask::detail
