// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/fused_adamw.h>

#include <utility>

#include "fused_adam_step.h"
#include "only_these_parameters.h"

namespace polytask::optim {

struct FusedAdamW::Step : detail::FusedAdamStep<
                              torch::optim::AdamWOptions,
                              torch::optim::AdamWParamState> {};

FusedAdamW::FusedAdamW(
    const std::vector<torch::optim::OptimizerParamGroup>& groups,
    torch::optim::AdamWOptions defaults)
    : AdamW(groups, std::move(defaults)), step_(std::make_unique<Step>()) {}

FusedAdamW::FusedAdamW(
    std::vector<torch::Tensor> parameters, torch::optim::AdamWOptions defaults)
    : FusedAdamW(
          {torch::optim::OptimizerParamGroup(std::move(parameters))},
          std::move(defaults)) {}

FusedAdamW::FusedAdamW(FusedAdamW&&) = default;
FusedAdamW::~FusedAdamW() = default;

torch::Tensor FusedAdamW::step(LossClosure closure) {
  if (!detail::has_fused_ops()) {
    return AdamW::step(std::move(closure));
  }
  const at::NoGradGuard no_grad;
  torch::Tensor loss;
  if (closure) {
    const at::AutoGradMode with_grad(true);
    loss = closure();
  }
  for (size_t i = 0; i < param_groups_.size(); ++i) {
    const auto& left = step_->step_group(i, param_groups_[i], state_);
    if (!left.empty()) {
      const detail::OnlyTheseParameters only(
          param_groups_, param_groups_[i], left);
      AdamW::step();
    }
  }
  return loss;
}

void FusedAdamW::synchronize_steps() const {
  step_->synchronize(param_groups_, state_);
}

void FusedAdamW::save(torch::serialize::OutputArchive& archive) const {
  synchronize_steps();
  AdamW::save(archive);
}

void FusedAdamW::load(torch::serialize::InputArchive& archive) {
  AdamW::load(archive);
  step_->forget_counters();
}

} // namespace polytask::optim
