// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/task/loss_function.h>

namespace polytask {

/// The negative log likelihood of a normal distribution whose mean and variance
/// are both learned: ½ (s + (target - mean)² exp(-s)) with s = log variance,
/// without the constant ½ log 2π; the mean over the labels that are present.
/// Output [B, 2D, ...]: D means, then D log variances. Target [B, D, ...].
///
/// Source: D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the
/// target probability distribution", ICNN 1994, equation 6.
class POLYTASK_API GaussianNLLLoss : public LossFunction {
 public:
  void pretty_print(std::ostream& stream) const override;

 protected:
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;
};

} // namespace polytask
