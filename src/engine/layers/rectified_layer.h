// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <utility>

#include "known_layer.h"

namespace polytask::detail {

/// A layer that takes the ReLU behind it into its own output, which its own
/// backward does not read.
class RectifiedLayer : public KnownLayer {
 public:
  bool rectify() override {
    return !std::exchange(is_rectified_, true);
  }
  bool is_rectified() const override {
    return is_rectified_;
  }
  void mask(const torch::Tensor& cotangents, int64_t tasks) const override;

 protected:
  /// For layers that write to one output in each step.
  void keep_rectified(const torch::Tensor& output) {
    output_ = output;
  }
  /// The same of an output that is no more than the layer's; in place.
  torch::Tensor rectified(torch::Tensor output);

 private:
  bool is_rectified_ = false;
  torch::Tensor output_; // [B, ...]
};

} // namespace polytask::detail
