// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <string>

#include <polytask/task/loss_function.h>

namespace polytask {

struct POLYTASK_API GaussianNLLLossOptions {
  /// Add the constant ½ log 2π.
  TORCH_ARG(bool, full) = false;
};

/// The negative log likelihood of a normal distribution whose mean and variance
/// are both learned: ½ (s + (target - mean)² exp(-s)) with s = log variance,
/// without the constant ½ log 2π unless `full`; the mean over the labels that
/// are present.
/// Output [B, 2D, ...]: D means, then D log variances. Target [B, D, ...].
///
/// Source: D. A. Nix, A. S. Weigend, "Estimating the mean and variance of the
/// target probability distribution", ICNN 1994, equation 6.
class POLYTASK_API GaussianNLLLoss : public LossFunction {
 public:
  explicit GaussianNLLLoss(GaussianNLLLossOptions options = {})
      : options_(options) {}

  bool takes_weights() const override {
    return true;
  }
  std::string recording_obstacle(at::Device /*device*/) const override {
    return "";
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override {
    return LossForm::of<GaussianNLLLoss>(LossForm::Kind::kOfOutputs);
  }
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  GaussianNLLLossOptions options_;
};

} // namespace polytask
