// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/math/matrix.h>

namespace polytask::balancing::detail {

/// Weights that a method keeps for some steps, in buffers of its own. Those of
/// other tasks are of no use.
struct KeptWeights {
  std::string who;
  at::Tensor& weights; // [1, n]; n = 0 before there are any
  at::Tensor& age;     // steps that they served
  at::Tensor& present; // [1, m], the tasks that they weigh; m = 0 for all

  static bool hold(
      const at::Tensor& weights,
      const at::Tensor& age,
      const at::Tensor& present,
      const std::vector<int64_t>& tasks,
      int64_t steps);
  void start();
  void set(const math::Vector& found, const std::vector<int64_t>& tasks);
  math::Vector take();
};

} // namespace polytask::balancing::detail
