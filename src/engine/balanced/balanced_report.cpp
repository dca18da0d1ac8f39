// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "balanced_report.h"

#include <ATen/TensorOperators.h>

#include <utility>
#include <vector>

#include "core/host_value.h"

#include "places.h"

namespace polytask::detail {

namespace {

GradientReport gradient_report(
    size_t all,
    const std::vector<int64_t>& present,
    const math::Matrix& gramian,
    const std::vector<double>& factors,
    bool has_weights) {
  std::vector<double> products(all * all, 0.0);
  for (size_t i = 0; i < present.size(); ++i) {
    for (size_t j = 0; j < present.size(); ++j) {
      products
          [static_cast<size_t>(present[i]) * all +
           static_cast<size_t>(present[j])] =
              gramian(static_cast<int64_t>(i), static_cast<int64_t>(j));
    }
  }
  const auto size = static_cast<int64_t>(all);
  GradientReport report;
  report.gramian = host_vector(products, torch::kDouble).view({size, size});
  if (has_weights) {
    report.weights = host_vector(factors, torch::kDouble);
  }
  return report;
}

} // namespace

StepReport balanced_report(
    int64_t all,
    const HeadSteps& tasks,
    const torch::Tensor& losses,
    const TaskWeights& weights,
    const std::optional<math::Matrix>& gramian) {
  // Those on a device stay there.
  const auto& found = weights.host();
  const auto size = static_cast<size_t>(all);
  std::vector<double> of_tasks(size, 0.0);
  std::vector<double> factors(size, 0.0);
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto task = static_cast<size_t>(tasks[i].task);
    factors[task] = found.empty() ? 1.0 : found[i];
    of_tasks[task] = factors[task] * tasks[i].weight;
  }
  const auto present = places(tasks);
  const torch::Tensor at_places = index_of(present, losses.device());
  const auto of_all = [&](const torch::Tensor& values) {
    return torch::zeros({all}, losses.options())
        .index_copy_(0, at_places, values);
  };
  StepReport report;
  report.losses = of_all(losses);
  report.weights = host_vector(of_tasks, losses.options());
  if (weights.is_on_device()) {
    report.weights.mul_(of_all(weights.as(losses.options())));
  }
  if (gramian) {
    report.gradients =
        gradient_report(size, present, *gramian, factors, !weights.empty());
  }
  return report;
}

} // namespace polytask::detail
