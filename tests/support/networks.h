// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/batch.h>
#include <polytask/model/multi_task_model.h>

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <vector>

namespace polytask::testing {

/// A small trunk: tanh(x Wᵀ + b).
class TanhTrunkImpl : public torch::nn::Cloneable<TanhTrunkImpl> {
 public:
  TanhTrunkImpl(int64_t in_features, int64_t out_features);
  void reset() override;
  torch::Tensor forward(const torch::Tensor& input);

  torch::Tensor weight;
  torch::Tensor bias;

 private:
  int64_t in_features_;
  int64_t out_features_;
};
TORCH_MODULE(TanhTrunk);

/// Three linear tasks "a", "b", "c" on a trunk 5 -> 8.
MultiTaskModel make_shared_model();

/// A batch of 16 rows for that model; every label present.
Batch make_shared_batch();

/// Copies of all parameters, in the model's order.
std::vector<torch::Tensor> snapshot(const MultiTaskModel& model);

/// True if all tensors are equal to the last bit.
bool same_bits(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b);

} // namespace polytask::testing
