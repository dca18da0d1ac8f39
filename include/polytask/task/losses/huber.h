// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/task/losses/elementwise.h>

namespace polytask {

/// The Huber loss with r = output - target: ½ r² where |r| <= delta, else
/// delta (|r| - ½ delta); the mean over the labels that are present. Output and
/// target have the same shape [B, ...].
///
/// Source: P. J. Huber, "Robust Estimation of a Location Parameter", Annals of
/// Mathematical Statistics 35 (1964).
class POLYTASK_API HuberLoss : public ElementwiseLoss {
 public:
  /// `delta`, in the target's unit, is where the square turns into a line.
  /// Throws unless it is positive.
  explicit HuberLoss(double delta = 1.0);

  double delta() const {
    return delta_;
  }
  std::string recording_obstacle(at::Device /*device*/) const override {
    return "";
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override {
    return LossForm::of<HuberLoss>(LossForm::Kind::kHuber, delta_);
  }
  at::Tensor reduce(
      const at::Tensor& output,
      const at::Tensor& target,
      int64_t reduction) const override;

 private:
  double delta_;
};

} // namespace polytask
