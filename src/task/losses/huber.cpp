// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/huber.h>

#include <ATen/ops/huber_loss.h>
#include <c10/util/Exception.h>

namespace polytask {

HuberLoss::HuberLoss(double delta) : delta_(delta) {
  TORCH_CHECK_VALUE(
      delta > 0, "HuberLoss: expected a positive delta, but got ", delta, ".");
}

at::Tensor HuberLoss::reduce(
    const at::Tensor& output,
    const at::Tensor& target,
    int64_t reduction) const {
  return at::huber_loss(output, target, reduction, delta_);
}

void HuberLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::HuberLoss(delta=" << delta_ << ")";
}

} // namespace polytask
