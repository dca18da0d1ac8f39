// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/inputs_sharing.h>

namespace polytask {

std::vector<torch::Tensor> InputsSharing::features(
    const torch::Tensor& input, int64_t tasks) {
  std::vector<torch::Tensor> all;
  for (const Inputs& own : features_for_all(input, tasks)) {
    all.push_back(own.tensor());
  }
  return all;
}

torch::Tensor InputsSharing::features_of(
    const torch::Tensor& input, int64_t task) {
  return features_for(input, task).tensor();
}

} // namespace polytask
