// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "features.h"

#include "balanced/places.h"
#include "input_groups.h"

namespace polytask::detail {

namespace {

void find_own_loss(const StepContext& context, const HeadSteps& steps) {
  context.own_loss->find(
      context.model->sharing(), places(steps), context.options.check_losses());
}

} // namespace

std::vector<Inputs> features_of(
    const StepContext& context, const HeadSteps& steps, bool share_input) {
  const auto& model = context.model;
  const auto groups = input_groups(steps, share_input);
  std::vector<std::vector<int64_t>> members(groups.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    members[groups[i]].push_back(steps[i].task);
  }
  // What the sharing gave on each input that several tasks have, and how many
  // of them were seen.
  std::vector<std::vector<Inputs>> all(groups.size());
  std::vector<size_t> seen(groups.size(), 0);
  std::vector<Inputs> features;
  features.reserve(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const HeadStep& step = steps[i];
    const size_t group = groups[i];
    if (members[group].size() == 1 && !share_input) {
      features.push_back(model->features_of(*step.inputs, step.task));
      continue;
    }
    if (seen[group] == 0) {
      all[group] = model->features_of_some(*step.inputs, members[group]);
    }
    features.push_back(all[group][seen[group]++]);
  }
  find_own_loss(context, steps);
  return features;
}

void differentiate_own_loss(
    const StepContext& context, const HeadSteps& steps) {
  const torch::AutoGradMode grad_mode(true);
  find_own_loss(context, steps);
  context.own_loss->differentiate(context.loss_scale());
}

std::vector<torch::Tensor> losses_of(
    const StepContext& context, const HeadSteps& steps, bool share_input) {
  const auto features = features_of(context, steps, share_input);
  std::vector<torch::Tensor> losses;
  losses.reserve(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    losses.push_back(
        context.model->loss(steps[i].task, features[i], *steps[i].labels));
  }
  return losses;
}

} // namespace polytask::detail
