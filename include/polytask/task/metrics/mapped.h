// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <functional>
#include <memory>
#include <utility>

#include <polytask/task/metrics/metric_of.h>

namespace polytask {

/// A metric of a function of the output, row by row. Keeps the metric's name.
///
/// ```cpp
/// // The mean of a Gaussian whose mean and log-variance are the output.
/// task.metric(polytask::MappedOutput(polytask::RMSE(), [](const auto& output)
/// {
///   return output.narrow(1, 0, 1);
/// }));
/// ```
class POLYTASK_API MappedOutput : public MetricOf {
 public:
  using Function = std::function<at::Tensor(const at::Tensor& output)>;

  /// `function` gets an output [B, ...] in float32 or float64 without a
  /// gradient, and gives one of as many rows, on the same device; it should not
  /// wait for that, and several threads may call it. Throws on none.
  MappedOutput(std::shared_ptr<const Metric> metric, Function function);
  template <std::derived_from<Metric> Kind>
  MappedOutput(Kind metric, Function function)
      : MappedOutput(
            std::make_shared<const Kind>(std::move(metric)),
            std::move(function)) {}

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  Function function_;
};

} // namespace polytask
