// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "../program/parameter_obstacle.h"
#include "known_layer.h"

namespace polytask::detail {

/// What layers have in common that look rows of a table up by index; the first
/// layer, for an index has no gradient.
template <typename Impl>
class KnownTable : public KnownLayer {
 public:
  explicit KnownTable(std::shared_ptr<Impl> module)
      : module_(std::move(module)), shape_(module_->weight.sizes().vec()) {}

  /// Whether the gradient is dense, and a forward leaves the table alone.
  static bool is_plain_table(const Impl& module) {
    const auto& options = module.options;
    return !options.max_norm() && !options.scale_grad_by_freq() &&
        !options.sparse();
  }

  LayerParameters parameters() const override {
    if (!module_->weight.requires_grad()) {
      return {};
    }
    return {&module_->weight};
  }

  bool takes_indices() const override {
    return true;
  }

  torch::Tensor backward(const torch::Tensor& cotangents, int64_t) override {
    return cotangents;
  }

 protected:
  Obstacle table_obstacle(at::ScalarType type, torch::Device device) const {
    return parameter_obstacle(module_->weight, shape_, type, device);
  }
  // -1 where there is none; one below counts from the end.
  int64_t padding() const {
    const int64_t given = module_->options.padding_idx().value_or(-1);
    const bool counts_back = module_->options.padding_idx() && given < 0;
    return counts_back ? given + shape_[0] : given;
  }

  std::shared_ptr<Impl> module_;
  std::vector<int64_t> shape_;
  torch::Tensor indices_; // of all rows, one after the other
};

} // namespace polytask::detail
