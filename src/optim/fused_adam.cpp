// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/fused_adam.h>

#include <utility>

#include "fused_adam_step.h"
#include "only_these_parameters.h"

namespace polytask::optim {

template <typename Base, typename Options, typename State>
struct FusedAdamOf<Base, Options, State>::Step
    : detail::FusedAdamStep<Options, State> {};

template <typename Base, typename Options, typename State>
FusedAdamOf<Base, Options, State>::FusedAdamOf(
    const std::vector<torch::optim::OptimizerParamGroup>& groups,
    Options defaults)
    : Base(groups, std::move(defaults)), step_(std::make_unique<Step>()) {}

template <typename Base, typename Options, typename State>
FusedAdamOf<Base, Options, State>::FusedAdamOf(
    std::vector<torch::Tensor> parameters, Options defaults)
    : FusedAdamOf(
          {torch::optim::OptimizerParamGroup(std::move(parameters))},
          std::move(defaults)) {}

template <typename Base, typename Options, typename State>
FusedAdamOf<Base, Options, State>::FusedAdamOf(FusedAdamOf&&) noexcept =
    default;

template <typename Base, typename Options, typename State>
FusedAdamOf<Base, Options, State>::~FusedAdamOf() = default;

template <typename Base, typename Options, typename State>
torch::Tensor FusedAdamOf<Base, Options, State>::step(
    torch::optim::Optimizer::LossClosure closure) {
  if (!detail::has_fused_ops()) {
    return Base::step(std::move(closure));
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

template <typename Base, typename Options, typename State>
void FusedAdamOf<Base, Options, State>::step_scaled(
    const at::Tensor& grad_scale, const at::Tensor& found_inf) {
  const at::NoGradGuard no_grad;
  detail::Scaling scaling(grad_scale, found_inf);
  step_groups(&scaling);
}

template <typename Base, typename Options, typename State>
void FusedAdamOf<Base, Options, State>::step_groups(detail::Scaling* scaling) {
  auto& groups = this->param_groups_;
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto& left = step_->step_group(i, groups[i], this->state_, scaling);
    if (!left.empty()) {
      const detail::OnlyTheseParameters only(groups, groups[i], left);
      Base::step();
    }
  }
}

template <typename Base, typename Options, typename State>
void FusedAdamOf<Base, Options, State>::synchronize_steps() const {
  step_->synchronize(this->param_groups_, this->state_);
}

template <typename Base, typename Options, typename State>
void FusedAdamOf<Base, Options, State>::save(
    torch::serialize::OutputArchive& archive) const {
  synchronize_steps();
  Base::save(archive);
}

template <typename Base, typename Options, typename State>
void FusedAdamOf<Base, Options, State>::load(
    torch::serialize::InputArchive& archive) {
  Base::load(archive);
  step_->forget_counters();
}

template class FusedAdamOf<
    torch::optim::Adam,
    torch::optim::AdamOptions,
    torch::optim::AdamParamState>;
template class FusedAdamOf<
    torch::optim::AdamW,
    torch::optim::AdamWOptions,
    torch::optim::AdamWParamState>;

} // namespace polytask::optim
