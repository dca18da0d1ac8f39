// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "engine/weighted_losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <utility>

#include "core/host_value.h"

namespace polytask {

WeightedLosses::WeightedLosses(int64_t tasks, const at::TensorOptions& where)
    : losses_(static_cast<size_t>(tasks)),
      weights_(static_cast<size_t>(tasks), 0.0),
      where_(where.requires_grad(false)) {}

void WeightedLosses::add(
    int64_t task, double weight, at::Tensor loss, double scale) {
  const auto place = static_cast<size_t>(task);
  const double seed = weight * scale;
  const at::Tensor term = seed == 1 ? loss : loss * seed;
  total_ = total_.defined() ? total_ + term : term;
  losses_[place] = std::move(loss);
  weights_[place] = weight;
}

void WeightedLosses::add_own(const at::Tensor& loss) {
  total_ = total_.defined() ? total_ + loss : loss;
}

at::TensorOptions WeightedLosses::options() const {
  return total_.defined() ? total_.options().requires_grad(false) : where_;
}

at::Tensor WeightedLosses::losses() const {
  if (options().device().is_cpu()) {
    std::vector<double> values(losses_.size(), 0.0);
    for (size_t i = 0; i < losses_.size(); ++i) {
      if (losses_[i].defined()) {
        values[i] = *detail::host_value(losses_[i]);
      }
    }
    return detail::host_vector(values, options());
  }
  const at::Tensor zero = at::zeros({}, options());
  std::vector<at::Tensor> values;
  for (const auto& loss : losses_) {
    values.push_back(loss.defined() ? loss.detach() : zero);
  }
  return at::stack(values);
}

StepReport WeightedLosses::report() const {
  StepReport report;
  report.losses = losses();
  report.weights = detail::host_vector(weights_, options());
  return report;
}

} // namespace polytask
