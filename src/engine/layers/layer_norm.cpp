// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <torch/nn/modules/normalization.h>

#include <typeinfo>

#include "../program/parameter_obstacle.h"
#include "known_layer.h"

namespace polytask::detail {

namespace {

/// y = (x - mean) / sqrt(variance + eps) · gain + bias over the last
/// dimensions, d elements together.
///
/// Source: J. L. Ba, J. R. Kiros, G. Hinton, "Layer normalization",
/// arXiv:1607.06450, 2016.
class KnownLayerNorm : public KnownLayer {
 public:
  explicit KnownLayerNorm(std::shared_ptr<torch::nn::LayerNormImpl> module)
      : module_(std::move(module)),
        shape_(module_->options.normalized_shape()) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    for (const auto* parameter : {&module_->weight, &module_->bias}) {
      if (parameter->defined()) {
        if (auto found = parameter_obstacle(*parameter, shape_, type, device)) {
          return found;
        }
      }
    }
    return {};
  }

  std::vector<torch::Tensor> parameters() const override {
    std::vector<torch::Tensor> all;
    for (const auto* parameter : {&module_->weight, &module_->bias}) {
      if (parameter->defined() && parameter->requires_grad()) {
        all.push_back(*parameter);
      }
    }
    return all;
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    auto [output, mean, scale] = torch::native_layer_norm(
        input, shape_, module_->weight, module_->bias, module_->options.eps());
    scale_ = scale.view({1, -1, 1});
    const torch::Tensor rows = input.reshape({1, scale_.size(1), -1});
    normalized_ = (rows - mean.view({1, -1, 1})).mul_(scale_);
    return output;
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const torch::Tensor slopes = by_task(cotangents, rows.size(0));
    int64_t offset = 0;
    if (module_->weight.defined() && module_->weight.requires_grad()) {
      offset = normalized_.size(2);
      rows.narrow(1, 0, offset).copy_((slopes * normalized_).sum(1));
    }
    if (module_->bias.defined() && module_->bias.requires_grad()) {
      rows.narrow(1, offset, normalized_.size(2)).copy_(slopes.sum(1));
    }
  }

  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    torch::Tensor slopes = by_task(cotangents, tasks);
    if (module_->weight.defined()) {
      slopes = slopes * module_->weight.view(-1);
    }
    const torch::Tensor mean = slopes.mean(2, /*keepdim=*/true);
    const torch::Tensor along =
        (slopes * normalized_).mean(2, /*keepdim=*/true);
    // Half precision is normalized in float.
    return ((slopes - mean) - normalized_ * along)
        .mul_(scale_)
        .view(cotangents.sizes())
        .to(cotangents.scalar_type());
  }

 private:
  // [n, rows, d]
  torch::Tensor by_task(const torch::Tensor& cotangents, int64_t tasks) const {
    return cotangents.reshape({tasks, normalized_.size(1), -1});
  }

  std::shared_ptr<torch::nn::LayerNormImpl> module_;
  std::vector<int64_t> shape_;
  torch::Tensor normalized_; // [1, rows, d]
  torch::Tensor scale_;      // [1, rows, 1]
};

} // namespace

std::unique_ptr<KnownLayer> make_layer_norm(
    const std::shared_ptr<torch::nn::Module>& module) {
  const torch::nn::Module& given = *module;
  if (typeid(given) != typeid(torch::nn::LayerNormImpl)) {
    return nullptr;
  }
  return std::make_unique<KnownLayerNorm>(
      std::static_pointer_cast<torch::nn::LayerNormImpl>(module));
}

} // namespace polytask::detail
