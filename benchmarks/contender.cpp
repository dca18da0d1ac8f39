// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "contender.h"

#include <torch/utils.h>

#include <chrono>
#include <utility>

namespace polytask::benchmarks {

torch::Tensor TensorContender::parameters() const {
  std::vector<torch::Tensor> flat;
  for (const auto& tensor : tensors_) {
    flat.push_back(tensor.detach().reshape(-1));
  }
  return torch::cat(flat);
}

void TensorContender::start_from(
    std::vector<torch::Tensor> tensors, const torch::Tensor& flat) {
  tensors_ = std::move(tensors);
  if (!flat.defined()) {
    return;
  }
  const torch::NoGradGuard no_grad;
  int64_t from = 0;
  for (const auto& tensor : tensors_) {
    tensor.copy_(flat.narrow(0, from, tensor.numel()).view_as(tensor));
    from += tensor.numel();
  }
  TORCH_CHECK(from == flat.numel(), "got ", flat.numel(), " for ", from);
}

double time_steps(const Entry& entry, int64_t steps) {
  const auto contender = entry.make();
  contender->run(1);
  const auto begin = std::chrono::steady_clock::now();
  contender->run(steps);
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - begin;
  return seconds.count();
}

} // namespace polytask::benchmarks
