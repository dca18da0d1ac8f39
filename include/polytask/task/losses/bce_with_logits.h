// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/task/losses/elementwise.h>

namespace polytask {

/// Binary cross entropy of logits: -p y log σ(x) - (1 - y) log(1 - σ(x)), the
/// mean over the labels that are present. Output (logits) and target (0 to 1,
/// floating point) have the same shape [B, ...].
class POLYTASK_API BCEWithLogitsLoss : public ElementwiseLoss {
 public:
  /// `positive_weight` is the factor p of the positive labels. Throws unless
  /// it is positive.
  explicit BCEWithLogitsLoss(double positive_weight = 1.0);

  double positive_weight() const {
    return positive_weight_;
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  at::Tensor reduce(
      const at::Tensor& output,
      const at::Tensor& target,
      int64_t reduction) const override;

 private:
  double positive_weight_;
};

} // namespace polytask
