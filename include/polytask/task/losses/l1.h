// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/task/losses/elementwise.h>

namespace polytask {

/// Mean absolute error: the mean of |output - target| over the labels that are
/// present. Output and target have the same shape [B, ...].
class POLYTASK_API L1Loss : public ElementwiseLoss {
 public:
  std::string recording_obstacle(at::Device /*device*/) const override {
    return "";
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override {
    return LossForm::of<L1Loss>(LossForm::Kind::kAbsolute);
  }
  at::Tensor reduce(
      const at::Tensor& output,
      const at::Tensor& target,
      int64_t reduction) const override;
};

} // namespace polytask
