// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "features.h"

#include "input_groups.h"

namespace polytask::detail {

std::vector<torch::Tensor> features_of(
    const StepContext& context, const HeadSteps& steps, bool share_input) {
  Sharing& sharing = context.model->sharing();
  const auto groups = input_groups(steps, share_input);
  std::vector<size_t> members(groups.size(), 0);
  for (const size_t group : groups) {
    ++members[group];
  }
  // What the sharing gave on each input that several tasks have.
  std::vector<std::vector<torch::Tensor>> all(groups.size());
  std::vector<torch::Tensor> features;
  for (size_t i = 0; i < steps.size(); ++i) {
    const HeadStep& step = steps[i];
    auto& together = all[groups[i]];
    if (members[groups[i]] == 1 && !share_input) {
      features.push_back(sharing.features_of(*step.input, step.task));
      continue;
    }
    if (together.empty()) {
      together = sharing.features(*step.input, context.model->size());
    }
    features.push_back(together[static_cast<size_t>(step.task)]);
  }
  return features;
}

} // namespace polytask::detail
