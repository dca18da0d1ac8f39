// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/pinball.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/maximum.h>
#include <c10/util/ArrayRef.h>
#include <c10/util/Exception.h>

#include <utility>

#include <polytask/task/losses/elementwise.h>

namespace polytask {

PinballLoss::PinballLoss(std::vector<double> quantiles)
    : quantiles_(std::move(quantiles)) {
  TORCH_CHECK_VALUE(
      !quantiles_.empty(), "PinballLoss: expected at least one quantile.");
  for (const double quantile : quantiles_) {
    TORCH_CHECK_VALUE(
        quantile > 0 && quantile < 1,
        "PinballLoss: expected quantiles between 0 and 1, but got ",
        quantile,
        ".");
  }
}

at::Tensor PinballLoss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  const auto count = static_cast<int64_t>(quantiles_.size());
  TORCH_CHECK_VALUE(
      output.dim() == 2 && output.size(1) == count,
      "PinballLoss: expected an output of shape [B, ",
      count,
      "], a column for each quantile, but got ",
      output.sizes(),
      ".");
  detail::check_target(output, labels.target(), {output.size(0), 1});
  at::Tensor sum;
  for (int64_t q = 0; q < count; ++q) {
    const double quantile = quantiles_[static_cast<size_t>(q)];
    const at::Tensor error = labels.filled() - output.narrow(1, q, 1);
    const at::Tensor term =
        at::maximum(error * quantile, error * (quantile - 1));
    sum = sum.defined() ? sum + term : term;
  }
  return detail::mean_over_present(sum / count, labels);
}

void PinballLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::PinballLoss(quantiles="
         << c10::ArrayRef<double>(quantiles_) << ")";
}

} // namespace polytask
