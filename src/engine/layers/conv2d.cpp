// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/convolution_backward.h>
#include <torch/nn/modules/conv.h>

#include <typeinfo>
#include <variant>

#include "../costs.h"
#include "../program/parameter_obstacle.h"
#include "known_layer.h"

namespace polytask::detail {

namespace {

/// A convolution with zero padding, on [B, C, H, W].
class KnownConv2d : public KnownLayer {
 public:
  KnownConv2d(
      std::shared_ptr<torch::nn::Conv2dImpl> module,
      std::vector<int64_t> padding)
      : module_(std::move(module)),
        shape_(module_->weight.sizes().vec()),
        padding_(std::move(padding)) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    auto found = parameter_obstacle(module_->weight, shape_, type, device);
    if (!found && module_->bias.defined()) {
      found = parameter_obstacle(module_->bias, {shape_[0]}, type, device);
    }
    return found;
  }

  std::vector<torch::Tensor> parameters() const override {
    std::vector<torch::Tensor> all;
    if (module_->weight.requires_grad()) {
      all.push_back(module_->weight);
    }
    if (trains_bias()) {
      all.push_back(module_->bias);
    }
    return all;
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    input_ = input.contiguous();
    return torch::conv2d(
               input_,
               module_->weight,
               module_->bias,
               *module_->options.stride(),
               padding_,
               *module_->options.dilation(),
               module_->options.groups())
        .contiguous();
  }

  Costs costs(int64_t tasks) const override {
    const double cost = rows_cost(
        {tasks,
         input_.size(0) * input_.size(2) * input_.size(3),
         module_->weight.numel() / shape_[0],
         shape_[0]});
    return {cost, cost};
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const int64_t batch = input_.size(0);
    for (int64_t task = 0; task < rows.size(0); ++task) {
      const auto gradients = differentiate(
          cotangents.narrow(0, task * batch, batch),
          input_,
          {false, module_->weight.requires_grad(), trains_bias()});
      torch::Tensor row = rows.select(0, task);
      int64_t offset = 0;
      for (const auto* gradient :
           {&std::get<1>(gradients), &std::get<2>(gradients)}) {
        if (gradient->defined()) {
          row.narrow(0, offset, gradient->numel()).copy_(gradient->reshape(-1));
          offset += gradient->numel();
        }
      }
    }
  }

  // The input's values have no part in its cotangent, only its shape.
  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    auto shape = input_.sizes().vec();
    shape[0] *= tasks;
    return std::get<0>(differentiate(
                           cotangents,
                           torch::empty(shape, input_.options()),
                           {true, false, false}))
        .contiguous();
  }

 private:
  bool trains_bias() const {
    return module_->bias.defined() && module_->bias.requires_grad();
  }

  std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> differentiate(
      const torch::Tensor& cotangents,
      const torch::Tensor& input,
      std::array<bool, 3> wanted) const {
    return at::convolution_backward(
        cotangents,
        input,
        module_->weight,
        at::OptionalIntArrayRef(shape_[0]),
        *module_->options.stride(),
        padding_,
        *module_->options.dilation(),
        /*transposed=*/false,
        {0, 0},
        module_->options.groups(),
        wanted);
  }

  std::shared_ptr<torch::nn::Conv2dImpl> module_;
  std::vector<int64_t> shape_; // of the weight
  std::vector<int64_t> padding_;
  torch::Tensor input_;
};

} // namespace

std::unique_ptr<KnownLayer> make_conv2d(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& given = *module;
  if (typeid(given) != typeid(torch::nn::Conv2dImpl)) {
    return nullptr;
  }
  auto conv = std::static_pointer_cast<torch::nn::Conv2dImpl>(module);
  using Numbers = torch::ExpandingArray<2>;
  const auto& padding = conv->options.padding();
  if (!std::holds_alternative<torch::enumtype::kZeros>(
          conv->options.padding_mode()) ||
      !std::holds_alternative<Numbers>(padding)) {
    return nullptr;
  }
  const auto& sizes = *std::get<Numbers>(padding);
  return std::make_unique<KnownConv2d>(
      std::move(conv), std::vector<int64_t>(sizes.begin(), sizes.end()));
}

} // namespace polytask::detail
