// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "features.h"

#include "input_groups.h"

namespace polytask::detail {

namespace {

void find_own_loss(const StepContext& context, const HeadSteps& steps) {
  std::vector<int64_t> tasks;
  for (const HeadStep& step : steps) {
    tasks.push_back(step.task);
  }
  context.own_loss->find(
      context.model->sharing(), tasks, context.options.check_losses());
}

} // namespace

std::vector<Inputs> features_of(
    const StepContext& context, const HeadSteps& steps, bool share_input) {
  const auto& model = context.model;
  const auto groups = input_groups(steps, share_input);
  std::vector<size_t> members(groups.size(), 0);
  for (const size_t group : groups) {
    ++members[group];
  }
  // What the sharing gave on each input that several tasks have.
  std::vector<std::vector<Inputs>> all(groups.size());
  std::vector<Inputs> features;
  features.reserve(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    const HeadStep& step = steps[i];
    auto& together = all[groups[i]];
    if (members[groups[i]] == 1 && !share_input) {
      features.push_back(model->features_of(*step.inputs, step.task));
      continue;
    }
    if (together.empty()) {
      together = model->features(*step.inputs);
    }
    features.push_back(together[static_cast<size_t>(step.task)]);
  }
  find_own_loss(context, steps);
  return features;
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
