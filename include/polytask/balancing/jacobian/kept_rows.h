// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <polytask/balancing/jacobian_balancing.h>

namespace polytask::balancing {

/// A method that keeps a row [N] for each task from step to step, and counts
/// the "steps". What it has not seen of a task yet is 0.
class POLYTASK_API KeptRows : public JacobianBalancing {
 protected:
  KeptRows();
  std::optional<double> late_start(
      const std::string& /*buffer*/) const override {
    return 0;
  }
  void start() override;
  /// The buffer of that name, in the Jacobian's dtype and on its device; zeros
  /// at first. Throws on a Jacobian of another shape than what is kept.
  at::Tensor& kept_rows(const std::string& buffer, const at::Tensor& jacobian);
  /// The steps before this one, which is counted.
  int64_t count_step();
};

} // namespace polytask::balancing
