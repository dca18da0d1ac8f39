// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/fused_sgd.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

#include "fused_ops.h"
#include "kernels/plain_sgd.h"
#include "only_these_parameters.h"

namespace polytask::optim {

using torch::optim::OptimizerParamGroup;
using torch::optim::SGDOptions;
using torch::optim::SGDParamState;

namespace {

bool step_by_hand(
    const torch::Tensor& parameter,
    const torch::Tensor& gradient,
    const SGDOptions& options) {
  if (options.momentum() != 0 ||
      !detail::is_stepped_by_hand(parameter, gradient)) {
    return false;
  }
  const double rate = options.lr();
  const double decay = options.weight_decay();
  const int64_t count = parameter.numel();
  if (parameter.scalar_type() == at::kFloat) {
    detail::plain_sgd(
        parameter.mutable_data_ptr<float>(),
        gradient.const_data_ptr<float>(),
        count,
        rate,
        decay);
  } else {
    detail::plain_sgd(
        parameter.mutable_data_ptr<double>(),
        gradient.const_data_ptr<double>(),
        count,
        rate,
        decay);
  }
  parameter.unsafeGetTensorImpl()->bump_version();
  return true;
}

} // namespace

// One for each parameter group.
struct FusedSGD::Lists : std::vector<detail::FusedLists> {};

FusedSGD::FusedSGD(
    const std::vector<OptimizerParamGroup>& groups, SGDOptions defaults)
    : SGD(groups, std::move(defaults)), lists_(std::make_unique<Lists>()) {}

FusedSGD::FusedSGD(std::vector<torch::Tensor> parameters, SGDOptions defaults)
    : FusedSGD(
          {OptimizerParamGroup(std::move(parameters))}, std::move(defaults)) {}

FusedSGD::FusedSGD(FusedSGD&&) noexcept = default;
FusedSGD::~FusedSGD() = default;

torch::Tensor FusedSGD::step(LossClosure closure) {
  if (!detail::has_fused_ops()) {
    return SGD::step(std::move(closure));
  }
  const at::NoGradGuard no_grad;
  torch::Tensor loss;
  if (closure) {
    const at::AutoGradMode with_grad(true);
    loss = closure();
  }
  step_groups(nullptr);
  return loss;
}

void FusedSGD::step_scaled(
    const at::Tensor& grad_scale, const at::Tensor& found_inf) {
  const at::NoGradGuard no_grad;
  detail::Scaling scaling(grad_scale, found_inf);
  step_groups(&scaling);
}

void FusedSGD::step_groups(detail::Scaling* scaling) {
  lists_->resize(param_groups_.size());
  for (size_t i = 0; i < param_groups_.size(); ++i) {
    step_group(i, scaling);
  }
}

void FusedSGD::step_group(size_t index, detail::Scaling* scaling) {
  OptimizerParamGroup& group = param_groups_[index];
  const auto& options = static_cast<const SGDOptions&>(group.options());
  detail::FusedLists& lists = (*lists_)[index];
  lists.begin();
  for (const auto& parameter : group.params()) {
    const torch::Tensor& gradient = parameter.grad();
    if (!gradient.defined() ||
        (scaling && parameter.is_cpu() && scaling->found_inf())) {
      continue;
    }
    if (!scaling && step_by_hand(parameter, gradient, options)) {
      continue;
    }
    if (!detail::can_fuse(parameter, gradient)) {
      lists.leave(parameter, scaling);
      continue;
    }
    const torch::Tensor* buffer = nullptr;
    bool first_step = false;
    if (options.momentum() != 0) {
      // Others may replace the state at any time. A lookup costs what a check
      // that it is still in its place would.
      auto found = state_.find(parameter.unsafeGetTensorImpl());
      first_step = found == state_.end();
      // If the device leaves the step out, the next one is still the first,
      // which matters to nothing but dampening.
      if (first_step && scaling && !parameter.is_cpu()) {
        first_step = options.dampening() != 0;
        if (first_step && scaling->found_inf()) {
          continue;
        }
      }
      if (found == state_.end()) {
        auto made = std::make_unique<SGDParamState>();
        made->momentum_buffer(at::zeros_like(parameter));
        found = state_.emplace(parameter.unsafeGetTensorImpl(), std::move(made))
                    .first;
      }
      buffer =
          &static_cast<const SGDParamState&>(*found->second).momentum_buffer();
      if (!detail::matches_in_memory(parameter, *buffer)) {
        lists.leave(parameter, scaling);
        continue;
      }
    }
    lists.add(
        {parameter.device(), parameter.scalar_type(), first_step},
        parameter,
        gradient,
        {buffer});
  }
  lists.finish();
  for (auto& call : lists.calls()) {
    if (!call.gradients.empty()) {
      detail::fused_sgd_(call, options, scaling);
    }
  }
  if (scaling && scaling->is_scaled()) {
    lists.return_gradients();
  }
  lists.release_gradients();
  if (!lists.left().empty()) {
    const detail::OnlyTheseParameters only(param_groups_, group, lists.left());
    SGD::step();
  }
}

} // namespace polytask::optim
