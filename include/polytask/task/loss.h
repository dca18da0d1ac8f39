// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/pimpl.h>

#include <concepts>
#include <memory>
#include <ostream>
#include <type_traits>
#include <utility>

#include <polytask/core/api.h>
#include <polytask/core/labels.h>
#include <polytask/task/loss_function.h>
#include <polytask/task/losses/callable.h>

namespace polytask {

/// Any loss: one of polytask's, or a callable (output, target) -> scalar. A
/// callable is given the rows whose labels are all present, and no others. Rows
/// with weights need one that takes (output, target, weights). A loss module of
/// LibTorch, such as `torch::nn::SmoothL1Loss()`, is such a callable.
class POLYTASK_API Loss {
 public:
  template <std::derived_from<LossFunction> Function>
  Loss(Function function) // NOLINT: meant to be implicit
      : function_(std::make_shared<const Function>(std::move(function))) {}

  template <typename Callable>
    requires(
        !std::derived_from<Callable, LossFunction> &&
        !std::same_as<Callable, Loss> &&
        !std::is_base_of_v<torch::detail::ModuleHolderIndicator, Callable> &&
        (std::is_invocable_r_v<
             at::Tensor,
             Callable&,
             const at::Tensor&,
             const at::Tensor&> ||
         std::is_invocable_r_v<
             at::Tensor,
             Callable&,
             const at::Tensor&,
             const at::Tensor&,
             const at::Tensor&>))
  Loss(Callable callable) // NOLINT: meant to be implicit
      : Loss(from_callable(std::move(callable))) {}

  template <typename Module>
    requires std::is_base_of_v<torch::detail::ModuleHolderIndicator, Module>
  Loss(Module module) // NOLINT: meant to be implicit
      : Loss(CallableLoss(CallableLoss::Function(
            [module = std::move(module)](
                const at::Tensor& output, const at::Tensor& target) mutable {
              return module->forward(output, target);
            }))) {}

  /// A scalar; 0 where no label is present. Throws if a callable returns
  /// anything but one floating-point value.
  at::Tensor operator()(const at::Tensor& output, const Labels& labels) const {
    return (*function_)(output, labels);
  }

  /// Whether any label that this loss can use is present, under its own ignore
  /// index.
  bool has_label(const Labels& labels) const {
    return function_->has_label(labels);
  }

  /// The loss as what it was made from, such as `as<HuberLoss>()`; null if it
  /// is something else.
  template <std::derived_from<LossFunction> Function>
  const Function* as() const {
    return dynamic_cast<const Function*>(function_.get());
  }

  const LossFunction& function() const {
    return *function_;
  }

  void pretty_print(std::ostream& stream) const {
    function_->pretty_print(stream);
  }

 private:
  template <typename Callable>
  static CallableLoss from_callable(Callable callable) {
    if constexpr (std::is_invocable_r_v<
                      at::Tensor,
                      Callable&,
                      const at::Tensor&,
                      const at::Tensor&,
                      const at::Tensor&>) {
      return CallableLoss(CallableLoss::WeightedFunction(std::move(callable)));
    } else {
      return CallableLoss(CallableLoss::Function(std::move(callable)));
    }
  }

  std::shared_ptr<const LossFunction> function_;
};

} // namespace polytask
