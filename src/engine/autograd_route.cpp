// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "autograd_route.h"

#include <utility>
#include <vector>

#include "core/host_value.h"

#include "features.h"

namespace polytask::detail {

namespace {

double value_of(const torch::Tensor& loss) {
  const auto value = host_value(loss);
  return value ? *value : loss.item<double>();
}

} // namespace

AutogradStep autograd_backward(
    StepContext& context,
    const HeadSteps& steps,
    bool share_input,
    const TaskSource& source,
    std::vector<Inputs> features) {
  context.reset_gradients();
  if (features.empty()) {
    features = features_of(context, steps, share_input);
  }
  WeightedLosses losses(context.model->size(), context.tensor_options());
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto& [task, input, labels, weight, inputs, scale] = steps[i];
    torch::Tensor loss = context.model->loss(task, features[i], *labels);
    context.check_loss(task, host_value(loss));
    if (source.observe) {
      source.observe(task, value_of(loss));
    }
    losses.add(task, weight, std::move(loss), scale);
  }
  if (const auto own = context.own_loss->take(context.loss_scale());
      own.defined()) {
    losses.add_own(own);
  }
  // Nothing to learn: no task took part, or all it uses is frozen.
  const bool learns =
      losses.total().defined() && losses.total().requires_grad();
  if (learns) {
    losses.total().backward();
  }
  return {std::move(losses), learns};
}

} // namespace polytask::detail
