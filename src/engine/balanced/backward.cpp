// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/backward.h>

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <optional>
#include <utility>

#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include "core/host_value.h"
#include "core/tensor_sets.h"

#include "../plan/plan.h"
#include "gramian_sum.h"
#include "leaves.h"
#include "loss_weights.h"
#include "method_kept.h"
#include "task_weights.h"
#include "vectors.h"

namespace polytask {

namespace {

using balancing::Reads;
using detail::TaskWeights;
using torch::Tensor;

void check_losses(const std::vector<Tensor>& losses) {
  TORCH_CHECK_VALUE(!losses.empty(), "backward: expected at least one loss.");
  for (size_t i = 0; i < losses.size(); ++i) {
    const Tensor& loss = losses[i];
    TORCH_CHECK_VALUE(
        loss.defined() && loss.numel() == 1 && loss.is_floating_point(),
        "backward: expected loss ",
        i,
        " to be one floating-point value, but got ",
        loss.defined() ? c10::str(loss.toString(), " ", loss.sizes())
                       : "an undefined tensor",
        ".");
    TORCH_CHECK_VALUE(
        loss.requires_grad(),
        "backward: loss ",
        i,
        " has no graph; it requires no gradient.");
    TORCH_CHECK_VALUE(
        loss.scalar_type() == losses[0].scalar_type() &&
            loss.device() == losses[0].device(),
        "backward: expected losses of one dtype and device, but loss ",
        i,
        " is ",
        loss.toString(),
        " and the first ",
        losses[0].toString(),
        ".");
    const auto value = detail::host_value(loss);
    TORCH_CHECK_VALUE(
        !value || std::isfinite(*value),
        "backward: loss ",
        i,
        " is ",
        value.value_or(0),
        "; no gradient has changed.");
  }
}

void check_shared(const std::vector<Tensor>& shared) {
  for (size_t i = 0; i < shared.size(); ++i) {
    TORCH_CHECK_VALUE(
        shared[i].is_leaf(),
        "backward: shared parameter ",
        i,
        " is no leaf of the graph.");
    TORCH_CHECK_VALUE(
        shared[i].scalar_type() == shared[0].scalar_type() &&
            shared[i].device() == shared[0].device(),
        "backward: expected shared parameters of one dtype and device, but "
        "parameter ",
        i,
        " is ",
        shared[i].toString(),
        " and the first ",
        shared[0].toString(),
        ".");
  }
}

void check_method(
    const balancing::Balancing& method,
    const std::vector<Tensor>& shared,
    const BackwardOptions& options) {
  TORCH_CHECK_VALUE(
      method.reads() != Reads::kBilevel && method.batches() == 1,
      "backward: the balancing '",
      method.name(),
      "' needs several batches for each step; take a JointTraining.");
  TORCH_CHECK_VALUE(
      !method.wants_representation(),
      "backward: the balancing '",
      method.name(),
      "' is one of gradients for a representation; call its direction().");
  TORCH_CHECK_VALUE(
      method.reads() == Reads::kLosses || !shared.empty(),
      "backward: the balancing '",
      method.name(),
      "' weighs gradients for shared parameters, but none that is trained was "
      "given.");
  TORCH_CHECK_VALUE(
      method.reads() != Reads::kJacobian ||
          options.head_gradients() != HeadGradients::kWeighted,
      "backward: the balancing '",
      method.name(),
      "' has no weights that other parameters could have.");
}

/// One call.
class OwnBackward {
 public:
  OwnBackward(
      const std::vector<Tensor>& losses,
      std::vector<Tensor> shared,
      balancing::Balancing& method,
      const BackwardOptions& options)
      : losses_(losses),
        shared_(std::move(shared)),
        others_(detail::without(detail::leaves_of(losses), shared_)),
        method_(method),
        options_(options) {
    std::vector<Tensor> values;
    for (const Tensor& loss : losses_) {
      values.push_back(loss.detach().reshape({}));
    }
    values_ = torch::stack(values);
    extras_["losses"] = values_;
  }

  StepReport run() {
    weigh();
    const std::vector<Tensor> of_shared = direction_.defined()
        ? std::vector<Tensor>()
        : combined(shared_, weights_, /*keep=*/true);
    const std::vector<Tensor> of_others = combined(
        others_,
        detail::weighs_heads(options_.head_gradients(), method_)
            ? weights_
            : TaskWeights(),
        options_.retain_graph());
    for (const Tensor& gradient : of_shared) {
      detail::check_dense(gradient);
    }
    // Nothing can fail from here on.
    for (const auto& [parameter, gradient] : learned_) {
      detail::accumulate_gradient(parameter, gradient);
    }
    int64_t offset = 0;
    for (size_t i = 0; i < shared_.size(); ++i) {
      if (!direction_.defined()) {
        detail::accumulate_gradient(shared_[i], of_shared[i]);
      } else if (is_used_[i]) {
        detail::accumulate_gradient(
            shared_[i],
            direction_.narrow(0, offset, shared_[i].numel())
                .view(shared_[i].sizes()));
      }
      offset += shared_[i].numel();
    }
    for (size_t i = 0; i < others_.size(); ++i) {
      detail::accumulate_gradient(others_[i], of_others[i]);
    }
    return report();
  }

 private:
  // Σ weight · gradient; by ones where there are no weights.
  std::vector<Tensor> combined(
      const std::vector<Tensor>& inputs,
      const TaskWeights& weights,
      bool keep) const {
    if (inputs.empty()) {
      return {};
    }
    std::vector<Tensor> cotangents;
    for (size_t i = 0; i < losses_.size(); ++i) {
      const Tensor one = torch::ones_like(losses_[i]).detach();
      cotangents.push_back(weights.empty() ? one : weights.times(one, i));
    }
    return torch::autograd::grad(
        losses_,
        inputs,
        cotangents,
        keep,
        /*create_graph=*/false,
        /*allow_unused=*/true);
  }

  Tensor jacobian() {
    const auto tasks = static_cast<int64_t>(losses_.size());
    Tensor rows = torch::zeros(
        {tasks, detail::count_elements(shared_)},
        shared_[0].options().requires_grad(false));
    is_used_.assign(shared_.size(), false);
    for (int64_t t = 0; t < tasks; ++t) {
      const auto gradients = torch::autograd::grad(
          {losses_[static_cast<size_t>(t)]},
          shared_,
          {},
          /*retain_graph=*/true,
          /*create_graph=*/false,
          /*allow_unused=*/true);
      detail::write_flat(gradients, shared_, rows.select(0, t));
      for (size_t i = 0; i < shared_.size(); ++i) {
        is_used_[i] = is_used_[i] || gradients[i].defined();
      }
    }
    TORCH_CHECK_VALUE(
        std::find(is_used_.begin(), is_used_.end(), true) != is_used_.end(),
        "backward: no loss reaches any of the shared parameters that were "
        "given; are they those of the module that computed the losses?");
    return rows;
  }

  void weigh() {
    if (method_.reads() == Reads::kLosses) {
      auto found = detail::weigh_losses(method_, values_, extras_);
      weights_ = std::move(found.weights);
      learned_ = std::move(found.learned);
      return;
    }
    const bool is_jacobian = method_.reads() == Reads::kJacobian;
    if (!is_jacobian && !method_.wants_gradients()) {
      weights_ = static_cast<balancing::GramianBalancing&>(method_).repeat();
      return;
    }
    if (is_jacobian) {
      extras_["parameter_sizes"] =
          torch::tensor(detail::sizes_of(shared_), torch::kLong);
    }
    const Tensor rows = jacobian();
    if (!is_jacobian || options_.report_gradients()) {
      detail::GramianSum sum(rows.size(0));
      sum.add_rows(rows);
      gramian_ = sum.value();
    }
    if (is_jacobian) {
      direction_ = static_cast<balancing::JacobianBalancing&>(method_)
                       .direction(rows, extras_)
                       .contiguous();
      return;
    }
    weights_ = static_cast<balancing::GramianBalancing&>(method_).solve(
        *gramian_, extras_);
    direction_ = torch::mv(rows.t(), weights_.as(rows.options()));
  }

  StepReport report() const {
    StepReport report;
    report.losses = values_;
    report.weights = weights_.empty() ? torch::ones_like(values_)
                                      : weights_.as(values_.options());
    if (gramian_) {
      const auto tasks = static_cast<int64_t>(losses_.size());
      GradientReport gradients;
      const auto* products = gramian_->data();
      gradients.gramian =
          detail::host_vector(
              {products, products + tasks * tasks}, torch::kDouble)
              .view({tasks, tasks});
      if (!weights_.empty()) {
        gradients.weights = weights_.as(torch::kDouble);
      }
      report.gradients = std::move(gradients);
    }
    return report;
  }

  const std::vector<Tensor>& losses_;
  std::vector<Tensor> shared_;
  std::vector<Tensor> others_;
  balancing::Balancing& method_;
  const BackwardOptions& options_;
  Tensor values_; // [T]
  balancing::Extras extras_;
  TaskWeights weights_; // [T]; empty where there are none
  Tensor direction_;    // [N], from a Jacobian
  std::vector<bool> is_used_;
  std::optional<math::Matrix> gramian_;
  /// What the method learns, and the gradients.
  std::vector<std::pair<Tensor, Tensor>> learned_;
};

} // namespace

StepReport backward(
    const std::vector<at::Tensor>& losses,
    const std::vector<at::Tensor>& shared_parameters,
    balancing::Balancing& method,
    const BackwardOptions& options) {
  TORCH_CHECK_VALUE(
      at::GradMode::is_enabled(),
      "backward: gradients are switched off (NoGradGuard or InferenceMode).");
  check_losses(losses);
  auto shared = detail::trained(detail::unique_tensors(shared_parameters));
  check_shared(shared);
  check_method(method, shared, options);
  method.prepare(static_cast<int64_t>(losses.size()));
  if (method.reads() == Reads::kJacobian) {
    method.expect_blocks(detail::sizes_of(shared));
  }
  StepReport report = detail::with_method_kept(method, [&] {
    return OwnBackward(losses, std::move(shared), method, options).run();
  });
  // After autocast, the next forward is to see what the update makes of the
  // parameters.
  at::autocast::clear_cache();
  return report;
}

} // namespace polytask
