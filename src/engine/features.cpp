// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "features.h"

namespace polytask::detail {

std::vector<torch::Tensor> features_of(
    const StepContext& context, const HeadSteps& steps, bool share_input) {
  Sharing& sharing = context.model->sharing();
  std::vector<torch::Tensor> features;
  if (!share_input || steps.empty()) {
    for (const HeadStep& step : steps) {
      features.push_back(sharing.features_of(*step.input, step.task));
    }
    return features;
  }
  const auto all = sharing.features(*steps[0].input, context.model->size());
  for (const HeadStep& step : steps) {
    features.push_back(all[static_cast<size_t>(step.task)]);
  }
  return features;
}

} // namespace polytask::detail
