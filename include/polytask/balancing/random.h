// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <random>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::balancing {

/// The random numbers of a method: the same seed gives the same ones on every
/// machine, and `state` continues them to the last.
class POLYTASK_API Random {
 public:
  explicit Random(uint64_t seed = 0) : generator_(seed) {}

  /// In [0, 1).
  double uniform();
  double normal();
  /// The numbers 0 … count - 1 in random order.
  std::vector<int64_t> permutation(int64_t count);
  /// [count] in [0, 1), of these options, from a generator of their device that
  /// this one seeds.
  at::Tensor uniforms(int64_t count, const at::TensorOptions& options);

  /// [n], 64-bit integers on the CPU.
  at::Tensor state() const;
  /// Throws on a tensor that is no such state.
  void restore(const at::Tensor& state);

 private:
  std::mt19937_64 generator_;
};

} // namespace polytask::balancing
