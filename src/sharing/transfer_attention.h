// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>

namespace polytask::detail {

/// Weighs what a task has itself and what it was handed, each [B, d]: [B, d].
class TransferAttention : public torch::nn::Module {
 public:
  /// `per_item`: the query of `own` with the key of each, which have their own
  /// matrices; else each one's own query and key.
  TransferAttention(int64_t width, bool bias, bool per_item);

  torch::Tensor forward(const torch::Tensor& own, const torch::Tensor& handed);

 private:
  torch::Tensor weigh(
      const torch::Tensor& queries,
      const torch::Tensor& keys,
      const torch::Tensor& values) const;

  double scale_;
  bool per_item_;
  torch::nn::Linear query_{nullptr};
  // Of both, or of `own` alone where each has its own.
  torch::nn::Linear key_{nullptr}, value_{nullptr};
  torch::nn::Linear handed_key_{nullptr}, handed_value_{nullptr};
};

} // namespace polytask::detail
