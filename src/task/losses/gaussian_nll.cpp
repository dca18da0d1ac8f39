// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/gaussian_nll.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <numbers>

#include <polytask/task/losses/elementwise.h>

namespace polytask {

at::Tensor GaussianNLLLoss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  TORCH_CHECK_VALUE(
      output.dim() >= 2 && output.size(1) % 2 == 0,
      "GaussianNLLLoss: expected an output of shape [B, 2D] (means, then log "
      "variances), but got ",
      output.sizes(),
      ".");
  const int64_t width = output.size(1) / 2;
  at::Tensor mean = output.narrow(1, 0, width);
  at::Tensor log_variance = output.narrow(1, width, width);
  detail::check_target(output, labels.target(), mean.sizes());
  mean = detail::where_present(mean, labels);
  log_variance = detail::where_present(log_variance, labels);
  const at::Tensor square = (mean - labels.filled()).square();
  at::Tensor likelihood = 0.5 * (log_variance + square * (-log_variance).exp());
  if (options_.full()) {
    likelihood = likelihood + 0.5 * std::log(2 * std::numbers::pi);
  }
  return detail::mean_over_present(likelihood, labels);
}

void GaussianNLLLoss::pretty_print(std::ostream& stream) const {
  stream << std::boolalpha
         << "polytask::GaussianNLLLoss(full=" << options_.full() << ")"
         << std::noboolalpha;
}

} // namespace polytask
