// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <string>

#include <polytask/task/losses/elementwise.h>

namespace polytask {

struct POLYTASK_API PoissonNLLLossOptions {
  /// The output is the logarithm of the rate; otherwise the rate itself.
  TORCH_ARG(bool, log_input) = true;
  /// Add Stirling's approximation of log target!.
  TORCH_ARG(bool, full) = false;
  /// Added to a rate before its logarithm is taken.
  TORCH_ARG(double, eps) = 1e-8;
};

/// The negative log likelihood of counts under a Poisson distribution:
/// exp(output) - target · output, without log target!; the mean over the labels
/// that are present. Output and target have the same shape [B, ...].
class POLYTASK_API PoissonNLLLoss : public ElementwiseLoss {
 public:
  explicit PoissonNLLLoss(PoissonNLLLossOptions options = {});

  std::string recording_obstacle(at::Device /*device*/) const override {
    return "";
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override {
    return LossForm::of<PoissonNLLLoss>(LossForm::Kind::kOfOutputs);
  }
  at::Tensor reduce(
      const at::Tensor& output,
      const at::Tensor& target,
      int64_t reduction) const override;

 private:
  PoissonNLLLossOptions options_;
};

} // namespace polytask
