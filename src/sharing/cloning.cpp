// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/cloning.h"

namespace polytask::detail {

namespace {

// A module whose clone is built otherwise keeps the names it has.
void complete_children(
    const torch::nn::Module& original, torch::nn::Module& copy) {
  const auto from = original.named_children();
  const auto to = copy.named_children();
  if (from.size() != to.size()) {
    return;
  }
  if (from.keys() != to.keys()) {
    for (const auto& child : to) {
      copy.unregister_module(child.key());
    }
    for (size_t i = 0; i < from.size(); ++i) {
      copy.register_module(from[i].key(), to[i].value());
    }
  }
  for (size_t i = 0; i < from.size(); ++i) {
    complete_clone(*from[i].value(), *to[i].value());
  }
}

} // namespace

void complete_clone(
    const torch::nn::Module& original, torch::nn::Module& copy) {
  // Before the children, for it sets theirs as well.
  copy.train(original.is_training());
  const auto from = original.named_parameters(/*recurse=*/false);
  for (auto& parameter : copy.named_parameters(/*recurse=*/false)) {
    if (const auto* own = from.find(parameter.key())) {
      parameter.value().requires_grad_(own->requires_grad());
    }
  }
  complete_children(original, copy);
}

} // namespace polytask::detail
