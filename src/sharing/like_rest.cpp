// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/like_rest.h"

namespace polytask::detail {

torch::Tensor first_floating(const torch::nn::Module& module) {
  for (const auto& tensors : {module.parameters(), module.buffers()}) {
    for (const auto& tensor : tensors) {
      if (tensor.is_floating_point()) {
        return tensor;
      }
    }
  }
  return {};
}

void make_like_rest(const torch::nn::Module& rest, torch::nn::Module& module) {
  if (!rest.is_training()) {
    module.eval(); // what is not to train in a training stays so
  }
  const torch::Tensor there = first_floating(rest);
  const torch::Tensor made = first_floating(module);
  if (!there.defined() || !made.defined()) {
    return;
  }
  // `to` changes counters too, as it has changed those of the rest.
  if (made.scalar_type() != there.scalar_type()) {
    module.to(there.scalar_type());
  }
  if (made.device() != there.device()) {
    module.to(there.device());
  }
}

} // namespace polytask::detail
