// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/lora/places.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <set>

#include "core/check.h"

namespace polytask::detail {

LoRAPlaces::LoRAPlaces(
    const torch::nn::Sequential& trunk,
    const std::function<bool(const std::string&)>& adapts) {
  TORCH_CHECK_VALUE(!trunk.is_empty(), "TaskLoRA: the trunk is empty.");
  std::vector<std::string> possible;
  std::set<const torch::nn::Module*> seen;
  const auto names = trunk->named_children().keys();
  torch::nn::SequentialImpl& modules = *trunk.ptr();
  size_t i = 0;
  for (const auto& module : modules) {
    Step step{module, {}};
    for (const auto& inner : module.ptr()->named_modules(names[i])) {
      const auto layer = BaseLayer::of(inner.value());
      if (!layer) {
        continue;
      }
      const std::string& place = inner.key();
      possible.push_back(place);
      if (adapts && !adapts(place)) {
        continue;
      }
      TORCH_CHECK_VALUE(
          seen.insert(inner.value().get()).second,
          "TaskLoRA: the layer '",
          place,
          "' stands in the trunk before, too; one change cannot be for both.");
      step.changes_output =
          inner.value() == module.ptr() && layer->has_change_of_output();
      step.adapted.push_back({place, *layer});
    }
    steps.push_back(std::move(step));
    ++i;
  }
  first = static_cast<size_t>(
      std::find_if(
          steps.begin(),
          steps.end(),
          [](const Step& step) { return !step.adapted.empty(); }) -
      steps.begin());
  TORCH_CHECK_VALUE(
      first < steps.size(),
      "TaskLoRA: expected the trunk to have a Linear or a Conv2d that is "
      "adapted; there is ",
      possible.empty() ? "none" : quoted(possible),
      ".");
}

std::vector<LoRAPlaces::Adapted> LoRAPlaces::all() const {
  std::vector<Adapted> found;
  for (const Step& step : steps) {
    found.insert(found.end(), step.adapted.begin(), step.adapted.end());
  }
  return found;
}

} // namespace polytask::detail
