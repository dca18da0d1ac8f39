// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/fused_adam.h>

#include <utility>

#include "fused_adam_step.h"
#include "only_these_parameters.h"

namespace polytask::optim {

struct FusedAdam::Step : detail::FusedAdamStep<
                             torch::optim::AdamOptions,
                             torch::optim::AdamParamState> {};

FusedAdam::FusedAdam(
    const std::vector<torch::optim::OptimizerParamGroup>& groups,
    torch::optim::AdamOptions defaults)
    : Adam(groups, std::move(defaults)), step_(std::make_unique<Step>()) {}

FusedAdam::FusedAdam(
    std::vector<torch::Tensor> parameters, torch::optim::AdamOptions defaults)
    : FusedAdam(
          {torch::optim::OptimizerParamGroup(std::move(parameters))},
          std::move(defaults)) {}

FusedAdam::FusedAdam(FusedAdam&&) = default;
FusedAdam::~FusedAdam() = default;

torch::Tensor FusedAdam::step(LossClosure closure) {
  if (!detail::has_fused_ops()) {
    return Adam::step(std::move(closure));
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
      Adam::step();
    }
  }
  return loss;
}

void FusedAdam::synchronize_steps() const {
  step_->synchronize(param_groups_, state_);
}

void FusedAdam::save(torch::serialize::OutputArchive& archive) const {
  synchronize_steps();
  Adam::save(archive);
}

void FusedAdam::load(torch::serialize::InputArchive& archive) {
  Adam::load(archive);
  step_->forget_counters();
}

} // namespace polytask::optim
