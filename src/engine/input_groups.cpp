// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "input_groups.h"

#include <unordered_map>

namespace polytask::detail {

std::vector<size_t> input_groups(const HeadSteps& steps, bool share_input) {
  std::vector<size_t> groups(steps.size(), 0);
  if (share_input) {
    return groups;
  }
  std::unordered_map<const void*, size_t> known;
  for (size_t i = 0; i < steps.size(); ++i) {
    const void* const input = steps[i].inputs->identity();
    groups[i] = known.emplace(input, known.size()).first->second;
  }
  return groups;
}

} // namespace polytask::detail
