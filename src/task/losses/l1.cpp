// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/l1.h>

#include <ATen/ops/l1_loss.h>

namespace polytask {

at::Tensor L1Loss::reduce(
    const at::Tensor& output,
    const at::Tensor& target,
    int64_t reduction) const {
  return at::l1_loss(output, target, reduction);
}

void L1Loss::pretty_print(std::ostream& stream) const {
  stream << "polytask::L1Loss()";
}

} // namespace polytask
