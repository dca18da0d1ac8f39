// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/bce_with_logits.h>

#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

#include <optional>

namespace polytask {

BCEWithLogitsLoss::BCEWithLogitsLoss(double positive_weight)
    : positive_weight_(positive_weight) {
  TORCH_CHECK_VALUE(
      positive_weight > 0,
      "BCEWithLogitsLoss: expected a positive weight, but got ",
      positive_weight,
      ".");
}

at::Tensor BCEWithLogitsLoss::reduce(
    const at::Tensor& output,
    const at::Tensor& target,
    int64_t reduction) const {
  std::optional<at::Tensor> positive_weight;
  if (positive_weight_ != 1.0) {
    positive_weight = at::scalar_tensor(positive_weight_, output.options());
  }
  return at::binary_cross_entropy_with_logits(
      output, target, std::nullopt, positive_weight, reduction);
}

void BCEWithLogitsLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::BCEWithLogitsLoss(positive_weight=" << positive_weight_
         << ")";
}

} // namespace polytask
