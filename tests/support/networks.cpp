// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/networks.h"

#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/linear_task.h>

#include <torch/nn/init.h>

namespace polytask::testing {

TanhTrunkImpl::TanhTrunkImpl(int64_t in_features, int64_t out_features)
    : in_features_(in_features), out_features_(out_features) {
  reset();
}

void TanhTrunkImpl::reset() {
  weight = register_parameter(
      "weight",
      torch::empty({out_features_, in_features_}).uniform_(-0.5, 0.5));
  bias = register_parameter("bias", torch::zeros({out_features_}));
}

torch::Tensor TanhTrunkImpl::forward(const torch::Tensor& input) {
  return torch::tanh(torch::linear(input, weight, bias));
}

MultiTaskModel make_shared_model() {
  MultiTaskModel model{HardSharing(TanhTrunk(5, 8))};
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", LinearTask(8, 2));
  model->add_task("c", LinearTask(8, 1));
  return model;
}

Batch make_shared_batch() {
  return Batch(
      torch::randn({16, 5}),
      {{"a", torch::randn({16, 1})},
       {"b", torch::randn({16, 2})},
       {"c", torch::randn({16, 1})}});
}

std::vector<torch::Tensor> snapshot(const MultiTaskModel& model) {
  std::vector<torch::Tensor> copies;
  for (const auto& parameter : model->unique_parameters()) {
    copies.push_back(parameter.detach().clone());
  }
  return copies;
}

bool same_bits(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (!torch::equal(a[i], b[i])) {
      return false;
    }
  }
  return true;
}

} // namespace polytask::testing
