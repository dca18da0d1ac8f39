// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/own_weights.h"

#include <c10/util/Exception.h>

#include <unordered_map>
#include <unordered_set>

namespace polytask::io::detail {

std::vector<OwnWeight> own_weights(const torch::nn::Module& module) {
  std::vector<OwnWeight> own;
  std::unordered_map<const void*, size_t> places;
  std::unordered_set<std::string> seen;
  const auto add = [&](const auto& named) {
    for (const auto& item : named) {
      if (item.value().defined()) {
        TORCH_CHECK_VALUE(
            seen.insert(item.key()).second,
            "'",
            item.key(),
            "' is a parameter and a buffer of the module.");
        const auto place =
            places.try_emplace(item.value().unsafeGetTensorImpl(), own.size())
                .first->second;
        if (place == own.size()) {
          own.push_back({item.value(), {}});
        }
        own[place].names.push_back(item.key());
      }
    }
  };
  add(module.named_parameters());
  add(module.named_buffers());
  return own;
}

StoredWeights stored_weights(const torch::nn::Module& module) {
  StoredWeights stored;
  for (const auto& weight : own_weights(module)) {
    stored.tensors.insert(weight.names[0], weight.tensor.detach());
    for (size_t i = 1; i < weight.names.size(); ++i) {
      stored.aliases.emplace(weight.names[i], weight.names[0]);
    }
  }
  return stored;
}

} // namespace polytask::io::detail
