// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include <polytask/core/api.h>

namespace polytask {

/// Several processes, its ranks, that train one model together. All of them
/// make the same calls in the same order, with tensors of the same shape, dtype
/// and kind of device; each call waits for the others.
///
/// Throws `c10::DistError` where a rank is lost, or does not come within the
/// time-out; after that it is of no more use.
class POLYTASK_API Communicator {
 public:
  virtual ~Communicator() = default;

  /// Of this process, from 0 on.
  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;

  /// Writes the sum of all ranks' to `tensor`, which is contiguous: the same
  /// bits everywhere.
  virtual void sum(at::Tensor& tensor) = 0;
  /// The sum of all ranks' `blocks` [P, ...], of which each rank gets its own
  /// block [...].
  virtual at::Tensor sum_own_block(const at::Tensor& blocks) = 0;
  /// [P, ...]: all ranks', in their order.
  virtual at::Tensor gather(const at::Tensor& tensor) = 0;
  /// Writes that of rank `from` to all others' `tensor`, which is contiguous.
  virtual void broadcast(at::Tensor& tensor, int64_t from) = 0;
  virtual void barrier() = 0;

  /// Those that give the same `color`, from 0 on, by themselves, in the order
  /// of their ranks.
  virtual std::shared_ptr<Communicator> split(int64_t color) = 0;
};

} // namespace polytask
