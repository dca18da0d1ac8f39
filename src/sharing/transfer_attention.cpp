// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/transfer_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>

#include <cmath>

namespace polytask::detail {

TransferAttention::TransferAttention(int64_t width, bool bias, bool per_item)
    : torch::nn::Module("polytask::TransferAttention"),
      scale_(1 / std::sqrt(static_cast<double>(width))),
      per_item_(per_item) {
  const auto add = [&](const char* name) {
    return register_module(
        name,
        torch::nn::Linear(torch::nn::LinearOptions(width, width).bias(bias)));
  };
  query_ = add("query");
  key_ = add("key");
  value_ = add("value");
  if (per_item_) {
    handed_key_ = add("handed_key");
    handed_value_ = add("handed_value");
  }
}

// [B, 1 or 2, d], [B, 2, d], [B, 2, d] -> [B, d]
torch::Tensor TransferAttention::weigh(
    const torch::Tensor& queries,
    const torch::Tensor& keys,
    const torch::Tensor& values) const {
  const torch::Tensor scores =
      (queries * keys).sum(2, /*keepdim=*/true) * scale_; // [B, 2, 1]
  return (at::softmax(scores, 1) * values).sum(1);
}

torch::Tensor TransferAttention::forward(
    const torch::Tensor& own, const torch::Tensor& handed) {
  if (per_item_) {
    return weigh(
        query_->forward(own).unsqueeze(1),
        at::stack({key_->forward(own), handed_key_->forward(handed)}, 1),
        at::stack({value_->forward(own), handed_value_->forward(handed)}, 1));
  }
  const torch::Tensor both = at::stack({own, handed}, 1); // [B, 2, d]
  return weigh(
      query_->forward(both), key_->forward(both), value_->forward(both));
}

} // namespace polytask::detail
