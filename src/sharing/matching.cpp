// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/matching.h"

namespace polytask::detail {

void copy_state(
    const torch::nn::Module& original,
    torch::nn::Module& copy,
    const std::optional<torch::Device>& device) {
  const torch::NoGradGuard no_grad;
  const auto bring = [&](const auto& from, const auto& to) {
    for (const auto& tensor : to) {
      const torch::Tensor value = from[tensor.key()].detach().clone();
      torch::Tensor(tensor.value())
          .set_data(device ? value.to(*device) : value);
    }
  };
  bring(original.named_parameters(), copy.named_parameters());
  bring(original.named_buffers(), copy.named_buffers());
}

} // namespace polytask::detail
