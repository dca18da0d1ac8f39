// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <torch/nn/modules/normalization.h>

#include "affine.h"
#include "rectified_layer.h"

namespace polytask::detail {

namespace {

/// y = (x - mean) / sqrt(variance + eps) · gain + bias over the last
/// dimensions, d elements together.
///
/// Source: J. L. Ba, J. R. Kiros, G. Hinton, "Layer normalization",
/// arXiv:1607.06450, 2016.
class KnownLayerNorm : public RectifiedLayer {
 public:
  explicit KnownLayerNorm(std::shared_ptr<torch::nn::LayerNormImpl> module)
      : module_(std::move(module)) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    return affine().obstacle(module_->options.normalized_shape(), type, device);
  }

  bool maps_rows() const override {
    return true;
  }
  LayerParameters parameters() const override {
    return affine().trained();
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    auto [output, mean, scale] = run_on(input, *module_, [&] {
      return torch::native_layer_norm(
          input,
          module_->options.normalized_shape(),
          module_->weight,
          module_->bias,
          module_->options.eps());
    });
    scale_ = scale.view({1, -1, 1});
    const torch::Tensor rows = input.reshape({1, scale_.size(1), -1});
    normalized_ = (rows - mean.view({1, -1, 1})).mul_(scale_);
    return rectified(output);
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    affine().write_rows(
        in_rows(cotangents, rows.size(0)), normalized_, {1}, rows);
  }

  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    torch::Tensor slopes = in_rows(cotangents, tasks);
    if (module_->weight.defined()) {
      slopes = slopes * module_->weight.view(-1);
    }
    // Half precision is normalized in float.
    return through_statistics(slopes, normalized_, {2})
        .mul_(scale_)
        .view(cotangents.sizes())
        .to(cotangents.scalar_type());
  }

 private:
  AffineParameters affine() const {
    return {module_->weight, module_->bias};
  }
  // [n, rows, d]
  torch::Tensor in_rows(const torch::Tensor& cotangents, int64_t tasks) const {
    return cotangents.reshape({tasks, normalized_.size(1), -1});
  }

  std::shared_ptr<torch::nn::LayerNormImpl> module_;
  torch::Tensor normalized_; // [1, rows, d]
  torch::Tensor scale_;      // [1, rows, 1]
};

} // namespace

std::unique_ptr<KnownLayer> make_layer_norm(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto norm = exactly<torch::nn::LayerNormImpl>(module);
  return norm ? std::make_unique<KnownLayerNorm>(std::move(norm)) : nullptr;
}

} // namespace polytask::detail
