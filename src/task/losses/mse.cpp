// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/mse.h>

#include <ATen/ops/mse_loss.h>

namespace polytask {

at::Tensor MSELoss::reduce(
    const at::Tensor& output,
    const at::Tensor& target,
    int64_t reduction) const {
  return at::mse_loss(output, target, reduction);
}

void MSELoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::MSELoss()";
}

} // namespace polytask
