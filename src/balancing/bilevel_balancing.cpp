// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/bilevel_balancing.h>

#include <ATen/ops/full.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "core/host_value.h"

#include "adam.h"
#include "checks.h"
#include "host.h"
#include "softmax.h"
#include "task_labels.h"

namespace polytask::balancing {

BilevelBalancing::BilevelBalancing(double outer_lr, const std::string& who)
    : outer_lr_(outer_lr) {
  detail::check_option(
      std::isfinite(outer_lr) && outer_lr > 0,
      who,
      "an outer_lr",
      "above 0",
      outer_lr);
  for (const char* kept : {"logits", "mean", "square", "step"}) {
    buffer(kept);
  }
}

void BilevelBalancing::start() {
  buffer("logits") =
      at::full({tasks()}, 1 / static_cast<double>(tasks()), at::kDouble);
  buffer("mean") = at::zeros({tasks()}, at::kDouble);
  buffer("square") = at::zeros({tasks()}, at::kDouble);
  buffer("step") = at::scalar_tensor(0, at::kLong);
}

BilevelBalancing::Update BilevelBalancing::learn(BilevelProblem& problem) {
  prepare(problem.tasks());
  return compute(problem);
}

math::Vector BilevelBalancing::weights() const {
  const at::Tensor& logits = buffer("logits");
  return logits.defined()
      ? detail::softmax_of(detail::host_values(logits, name()))
      : math::Vector();
}

math::Vector BilevelBalancing::through_softmax(
    const math::Vector& values) const {
  math::Vector product = weights();
  double average = 0;
  for (size_t task = 0; task < product.size(); ++task) {
    average += product[task] * values[task];
  }
  for (size_t task = 0; task < product.size(); ++task) {
    product[task] *= values[task] - average;
  }
  return product;
}

void BilevelBalancing::move_logits(const math::Vector& gradient) {
  auto logits = detail::host_values(buffer("logits"), name());
  auto mean = detail::host_values(buffer("mean"), name());
  auto square = detail::host_values(buffer("square"), name());
  const auto step = buffer("step").item<int64_t>() + 1;
  for (size_t task = 0; task < logits.size(); ++task) {
    const double slope = gradient[task];
    TORCH_CHECK_VALUE(
        std::isfinite(slope),
        name(),
        ": the weight of ",
        detail::task_label(task),
        " has the gradient ",
        slope,
        ".");
  }
  detail::adam_step(outer_lr_, step, gradient, logits, mean, square);
  buffer("logits") = polytask::detail::host_vector(logits, at::kDouble);
  buffer("mean") = polytask::detail::host_vector(mean, at::kDouble);
  buffer("square") = polytask::detail::host_vector(square, at::kDouble);
  buffer("step") = at::scalar_tensor(step, at::kLong);
}

} // namespace polytask::balancing
