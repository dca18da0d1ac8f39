// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "scaling.h"

namespace polytask::optim::detail {

/// Whether the fused kernels can take `tensor` beside `parameter`: they walk
/// through the memory of both as if it were one row.
bool matches_in_memory(const at::Tensor& parameter, const at::Tensor& tensor);

/// Whether the fused kernels can update `parameter` by a gradient of this
/// dtype, device, layout and shape.
bool can_fuse(const at::Tensor& parameter, const at::Tensor& gradient);

/// Whether both are rows of one dtype in the host's memory, float or double.
bool is_plain_memory(const at::Tensor& parameter, const at::Tensor& gradient);

/// Whether both are that and so few that a call of LibTorch's kernel costs more
/// than its work, which is better done at once.
inline bool is_stepped_by_hand(
    const at::Tensor& parameter, const at::Tensor& gradient) {
  constexpr int64_t kMost = 1 << 14;
  return parameter.numel() <= kMost && is_plain_memory(parameter, gradient);
}

/// What one call of a fused kernel has in common.
struct FusedKey {
  at::Device device;
  at::ScalarType dtype;
  bool first_step;

  bool operator==(const FusedKey&) const = default;
};

/// The state that belongs to one parameter; null where there is none.
using FusedState = std::array<const at::Tensor*, 4>;

/// The lists for one call of a fused kernel, in step with each other.
struct FusedCall {
  explicit FusedCall(const FusedKey& call_key) : key(call_key) {}

  FusedKey key;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::array<std::vector<at::Tensor>, 4> state;
};

/// Keeps the lists of one parameter group from step to step. A step says again
/// who takes part; where this is what the last step said, only the gradients
/// are filled in, and lists are written anew from the first difference on.
/// Allocates nothing once the lists have had their greatest length.
class FusedLists {
 public:
  void begin();
  /// Takes part. A gradient that does not match in memory is copied.
  void add(
      const FusedKey& key,
      const at::Tensor& parameter,
      const at::Tensor& gradient,
      const FusedState& state);
  /// Is left to LibTorch's own step, with its gradient unscaled; unless that
  /// step is to be left out, for which this waits.
  void leave(const at::Tensor& parameter, Scaling* scaling);
  void finish();
  /// Gradients that were copied are given what the kernels made of the copies.
  void return_gradients();
  /// Keeps no gradient alive until the next step.
  void release_gradients();

  std::vector<FusedCall>& calls() {
    return calls_;
  }
  std::vector<at::Tensor>& left() {
    return left_;
  }

 private:
  bool goes_on_as_before(
      const FusedKey& key,
      const at::Tensor& parameter,
      const FusedState& state) const;
  void forget_the_rest();
  size_t call_for(const FusedKey& key);

  std::vector<FusedCall> calls_;
  /// The index of the call of each parameter that takes part, in their order.
  std::vector<size_t> order_;
  size_t position_ = 0;
  std::vector<at::Tensor> left_;
};

} // namespace polytask::optim::detail
