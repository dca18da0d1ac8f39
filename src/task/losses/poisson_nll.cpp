// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/poisson_nll.h>

#include <ATen/ops/poisson_nll_loss.h>

namespace polytask {

PoissonNLLLoss::PoissonNLLLoss(PoissonNLLLossOptions options)
    : options_(options) {}

at::Tensor PoissonNLLLoss::reduce(
    const at::Tensor& output,
    const at::Tensor& target,
    int64_t reduction) const {
  return at::poisson_nll_loss(
      output,
      target,
      options_.log_input(),
      options_.full(),
      options_.eps(),
      reduction);
}

void PoissonNLLLoss::pretty_print(std::ostream& stream) const {
  stream << std::boolalpha
         << "polytask::PoissonNLLLoss(log_input=" << options_.log_input()
         << ", full=" << options_.full() << ")" << std::noboolalpha;
}

} // namespace polytask
