// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include <polytask/task/metric.h>

namespace polytask {

/// Any function of all rows together as a metric. It gets the outputs and the
/// targets [B, ...] of all rows whose labels are all there, joined along
/// dimension 0, and gives a number or a tensor of one element. Without such a
/// row it is not called, and the value is NaN. Keeps all rows.
///
/// Where rows have weights, a function is needed that takes them, [B] in
/// float64 or all 1, as a third argument; else observing throws. The function
/// should not wait for an accelerator. To leave rows out, the value does wait
/// for one.
///
/// ```cpp
/// task.metric(polytask::FunctionMetric("bias",
///     [](const auto& output, const auto& target) {
///       return (output - target).mean();
///     }, /*higher_is_better=*/false));
/// ```
class POLYTASK_API FunctionMetric : public Metric {
 public:
  /// `function(output, target)` or `function(output, target, weights)`; several
  /// threads may call it.
  template <typename Function>
    requires std::invocable<Function&, const at::Tensor&, const at::Tensor&> ||
      std::invocable<
                 Function&,
                 const at::Tensor&,
                 const at::Tensor&,
                 const at::Tensor&>
  FunctionMetric(std::string name, Function function, bool higher_is_better)
      : FunctionMetric(
            std::move(name),
            of_three(std::move(function)),
            !kTakesTwo<Function>,
            higher_is_better) {}

  std::string name() const override {
    return name_;
  }
  bool higher_is_better() const override {
    return higher_is_better_;
  }
  at::Tensor value(const MetricState& state) const override;

 protected:
  MetricState take(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  using Joined = std::function<at::Tensor(
      const at::Tensor& output,
      const at::Tensor& target,
      const at::Tensor& weights)>;

  FunctionMetric(
      std::string name,
      Joined function,
      bool takes_weights,
      bool higher_is_better);

  template <typename Function>
  static constexpr bool kTakesTwo =
      std::invocable<Function&, const at::Tensor&, const at::Tensor&>;

  template <typename Function>
  static Joined of_three(Function function) {
    return [function = std::move(function)](
               const at::Tensor& output,
               const at::Tensor& target,
               const at::Tensor& weights) mutable {
      if constexpr (kTakesTwo<Function>) {
        return as_tensor(function(output, target));
      } else {
        return as_tensor(function(output, target, weights));
      }
    };
  }
  static at::Tensor as_tensor(at::Tensor value) {
    return value;
  }
  static at::Tensor as_tensor(double value);

  std::string name_;
  Joined function_;
  bool takes_weights_;
  bool higher_is_better_;
};

} // namespace polytask
