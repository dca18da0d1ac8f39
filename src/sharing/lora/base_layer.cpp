// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/lora/base_layer.h"

#include <ATen/ops/linear.h>
#include <torch/nn/functional/conv.h>

#include <ranges>
#include <typeinfo>
#include <variant>

namespace polytask::detail {

std::optional<BaseLayer> BaseLayer::of(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& given = *module;
  const auto& kind = typeid(given);
  if (kind == typeid(torch::nn::LinearImpl)) {
    return BaseLayer(std::static_pointer_cast<torch::nn::LinearImpl>(module));
  }
  if (kind == typeid(torch::nn::Conv2dImpl)) {
    return BaseLayer(std::static_pointer_cast<torch::nn::Conv2dImpl>(module));
  }
  return std::nullopt;
}

bool BaseLayer::has_change_of_output() const {
  return is_linear() ||
      std::holds_alternative<torch::enumtype::kZeros>(
             convolution_->options.padding_mode());
}

torch::Tensor BaseLayer::forward(const torch::Tensor& input) const {
  return linear_ ? linear_->forward(input) : convolution_->forward(input);
}

torch::Tensor BaseLayer::changed(
    const torch::Tensor& input, const LowRank& low_rank) const {
  if (linear_) {
    return low_rank.scaled(
        at::linear(at::linear(input, low_rank.down()), low_rank.up()));
  }
  namespace F = torch::nn::functional;
  const auto& options = convolution_->options;
  const auto as_the_layer = F::Conv2dFuncOptions()
                                .stride(options.stride())
                                .padding(options.padding())
                                .dilation(options.dilation())
                                .groups(options.groups());
  auto shape = weight().sizes().vec();
  if (options.groups() > 1) {
    return F::conv2d(input, low_rank.change().view(shape), as_the_layer);
  }
  shape[0] = low_rank.down().size(0);
  const torch::Tensor narrow =
      F::conv2d(input, low_rank.down().view(shape), as_the_layer);
  return low_rank.scaled(
      F::conv2d(narrow, low_rank.up().unsqueeze(2).unsqueeze(3)));
}

void BaseLayer::add_to_weight(const LowRank& low_rank) const {
  const torch::NoGradGuard no_grad;
  torch::Tensor(weight()).add_(low_rank.change().view_as(weight()));
}

std::shared_ptr<LowRank> BaseLayer::make_low_rank(
    int64_t rank, double scale, bool trains_scale, const char* who) const {
  const torch::Tensor& own = weight();
  return std::make_shared<LowRank>(
      LowRankForm{own[0].numel(), own.size(0), rank, scale, trains_scale}, who);
}

ChangedWeights::~ChangedWeights() {
  for (const auto& [place, weight] : std::views::reverse(before_)) {
    *place = weight;
  }
}

void ChangedWeights::add(const BaseLayer& layer, const LowRank& low_rank) {
  torch::Tensor& weight = layer.used_weight();
  const torch::Tensor sum = weight + low_rank.change().view_as(weight);
  before_.emplace_back(&weight, weight);
  weight = sum;
}

} // namespace polytask::detail
