// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/step_report.h>

namespace polytask {

/// The losses of the tasks that take part in one step, and their weighted sum.
class POLYTASK_API WeightedLosses {
 public:
  /// `where`: the type and device of the report of a step without a loss.
  explicit WeightedLosses(
      int64_t tasks, const at::TensorOptions& where = at::kDouble);

  /// `loss`: a scalar with its graph. A weight of 1 adds no operation. `scale`:
  /// of the sum alone, in mixed precision.
  void add(int64_t task, double weight, at::Tensor loss, double scale = 1);

  /// A term of the sum that is no task's, with its graph and factor.
  void add_own(const at::Tensor& loss);

  /// Σ scale · weight · loss in the order of adding; undefined before the
  /// first.
  const at::Tensor& total() const {
    return total_;
  }

  /// [T], of all tasks, detached; 0 for those not added.
  at::Tensor losses() const;
  /// Losses and weights of all tasks, detached; 0 for those not added. Does
  /// not wait for a device.
  StepReport report() const;

 private:
  at::TensorOptions options() const;

  std::vector<at::Tensor> losses_;
  std::vector<double> weights_;
  at::Tensor total_;
  at::TensorOptions where_;
};

} // namespace polytask
