// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sharing/lora/low_rank.h"

namespace polytask::detail {

/// A Linear or a Conv2d, whose weight is changed by matrices of a low rank. The
/// weight of a convolution is taken for the matrix [out, in / groups · kernel].
class BaseLayer {
 public:
  explicit BaseLayer(std::shared_ptr<torch::nn::LinearImpl> linear)
      : linear_(std::move(linear)) {}
  explicit BaseLayer(std::shared_ptr<torch::nn::Conv2dImpl> convolution)
      : convolution_(std::move(convolution)) {}
  /// None where it is another layer, or one that is derived from these.
  static std::optional<BaseLayer> of(
      const std::shared_ptr<torch::nn::Module>& module);

  /// Whether `changed` can be had: not where it pads with something else than
  /// zeros.
  bool has_change_of_output() const;
  torch::Tensor forward(const torch::Tensor& input) const;
  /// What the change of the weight adds to that.
  torch::Tensor changed(
      const torch::Tensor& input, const LowRank& low_rank) const;
  void add_to_weight(const LowRank& low_rank) const;

  std::shared_ptr<LowRank> make_low_rank(
      int64_t rank, double scale, bool trains_scale, const char* who) const;
  bool is_linear() const {
    return linear_ != nullptr;
  }
  const torch::Tensor& weight() const {
    return linear_ ? linear_->weight : convolution_->weight;
  }
  /// What it computes with; the parameter that is registered stays.
  torch::Tensor& used_weight() const {
    return linear_ ? linear_->weight : convolution_->weight;
  }

 private:
  std::shared_ptr<torch::nn::LinearImpl> linear_;
  std::shared_ptr<torch::nn::Conv2dImpl> convolution_;
};

/// While it stands, layers compute with changed weights.
class ChangedWeights {
 public:
  ChangedWeights() = default;
  ChangedWeights(const ChangedWeights&) = delete;
  ChangedWeights& operator=(const ChangedWeights&) = delete;
  ~ChangedWeights();

  void add(const BaseLayer& layer, const LowRank& low_rank);

 private:
  std::vector<std::pair<torch::Tensor*, torch::Tensor>> before_;
};

} // namespace polytask::detail
