// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "contender.h"

#include <torch/utils.h>

#include <chrono>

namespace polytask::benchmarks {

torch::Tensor TensorContender::parameters() const {
  std::vector<torch::Tensor> flat;
  for (const auto& tensor : tensors_) {
    flat.push_back(tensor.detach().reshape(-1));
  }
  return torch::cat(flat);
}

void TensorContender::set_parameters(const torch::Tensor& flat) {
  const torch::NoGradGuard no_grad;
  int64_t from = 0;
  for (const auto& tensor : tensors_) {
    tensor.copy_(flat.narrow(0, from, tensor.numel()).view_as(tensor));
    from += tensor.numel();
  }
  TORCH_CHECK(from == flat.numel(), "got ", flat.numel(), " for ", from);
}

std::vector<double> time_runs(
    Contender& contender,
    const torch::Tensor& start,
    int64_t steps,
    int64_t repeats) {
  std::vector<double> seconds;
  for (int64_t i = 0; i < repeats; ++i) {
    contender.set_parameters(start);
    const auto begin = std::chrono::steady_clock::now();
    contender.run(steps);
    const std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - begin;
    seconds.push_back(time.count());
  }
  return seconds;
}

} // namespace polytask::benchmarks
