// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/balancing/described.h>
#include <polytask/balancing/jacobian_balancing.h>

namespace polytask::balancing {

struct POLYTASK_API TrimmedMeanOptions {
  /// t, at each end.
  TORCH_ARG(int64_t, trim) = 1;
};

/// In each column the t largest and t smallest entries are left out; the update
/// is the mean of the rest. Throws for fewer than 2t + 1 tasks. No state.
///
/// Source: D. Yin, Y. Chen, K. Ramchandran, P. Bartlett, "Byzantine-robust
/// distributed learning: towards optimal statistical rates", ICML 2018,
/// definition 2.
class POLYTASK_API TrimmedMean
    : public Described<TrimmedMean, JacobianBalancing> {
 public:
  explicit TrimmedMean(TrimmedMeanOptions options = {});
  static const detail::Description& description();
  bool is_separable() const override {
    return true;
  }

 protected:
  void check_tasks(int64_t tasks) const override;
  at::Tensor combine(const at::Tensor& jacobian, const Extras& extras) override;

 private:
  TrimmedMeanOptions options_;
};

} // namespace polytask::balancing
