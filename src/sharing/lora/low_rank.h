// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>

namespace polytask::detail {

struct LowRankForm {
  int64_t in_features; // of the weight as a matrix
  int64_t out_features;
  int64_t rank;
  double scale;
  bool trains_scale;
};

/// A change s B A of a weight matrix [out, in] by matrices of a small rank. A
/// starts as a Linear's weight does, B at zero.
class LowRank : public torch::nn::Module {
 public:
  /// Throws unless the rank is at least 1 and the scale is finite.
  LowRank(LowRankForm form, const char* who);

  /// s B A, [out, in].
  torch::Tensor change() const;
  torch::Tensor scaled(const torch::Tensor& output) const {
    return scale_.defined() ? output * scale_ : output * form_.scale;
  }
  const torch::Tensor& down() const {
    return down_;
  }
  const torch::Tensor& up() const {
    return up_;
  }

 private:
  LowRankForm form_;
  torch::Tensor down_;  // A, [rank, in]
  torch::Tensor up_;    // B, [out, rank]
  torch::Tensor scale_; // [1] where it is trained
};

} // namespace polytask::detail
