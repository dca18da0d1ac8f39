// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <torch/nn/modules/normalization.h>

#include "affine.h"
#include "rectified_layer.h"

namespace polytask::detail {

namespace {

/// y = (x - mean) / sqrt(variance + eps) · gain + bias for each channel of
/// [B, C, ...], by the statistics of its group of channels in its own row.
///
/// Source: Y. Wu, K. He, "Group normalization", ECCV 2018.
class KnownGroupNorm : public RectifiedLayer {
 public:
  explicit KnownGroupNorm(std::shared_ptr<torch::nn::GroupNormImpl> module)
      : module_(std::move(module)) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    return affine().obstacle({module_->options.num_channels()}, type, device);
  }

  bool maps_rows() const override {
    return true;
  }
  LayerParameters parameters() const override {
    return affine().trained();
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    return run_on(input, *module_, [&] { return normalize(input); });
  }

  void write_rows(
      const torch::Tensor& cotangents, torch::Tensor rows) override {
    const int64_t tasks = rows.size(0);
    affine().write_rows(
        in_channels(cotangents, tasks),
        in_channels(normalized_, 1),
        {1, 3},
        rows);
  }

  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    torch::Tensor slopes = in_channels(cotangents, tasks);
    if (module_->weight.defined()) {
      slopes = slopes * module_->weight.view({1, 1, -1, 1});
    }
    slopes = in_groups(slopes, tasks);
    // Half precision is normalized in float.
    return through_statistics(slopes, in_groups(normalized_, 1), {3})
        .mul_(scale_)
        .view(cotangents.sizes())
        .to(cotangents.scalar_type());
  }

 private:
  AffineParameters affine() const {
    return {module_->weight, module_->bias};
  }

  torch::Tensor normalize(const torch::Tensor& input) {
    // LibTorch too counts channels by their parameters alone.
    const int64_t channels = input.size(1);
    TORCH_CHECK(
        !module_->weight.defined() || module_->weight.numel() == channels,
        "expected ",
        module_->options.num_channels(),
        " channels");
    channels_ = channels;
    const int64_t rows = input.size(0);
    const int64_t groups = module_->options.num_groups();
    auto [output, mean, scale] = torch::native_group_norm(
        input.contiguous(),
        module_->weight,
        module_->bias,
        rows,
        channels,
        input.numel() / std::max<int64_t>(1, rows * channels),
        groups,
        module_->options.eps());
    rows_ = rows;
    scale_ = scale.view({1, rows, groups, 1});
    normalized_ =
        (in_groups(input, 1) - mean.view(scale_.sizes())).mul_(scale_);
    return rectified(output);
  }

  // [n, B, groups, the rest]
  torch::Tensor in_groups(const torch::Tensor& given, int64_t tasks) const {
    return given.reshape({tasks, rows_, module_->options.num_groups(), -1});
  }
  // [n, B, C, the rest]
  torch::Tensor in_channels(const torch::Tensor& given, int64_t tasks) const {
    return given.reshape({tasks, rows_, channels_, -1});
  }

  std::shared_ptr<torch::nn::GroupNormImpl> module_;
  int64_t rows_ = 0;         // B
  int64_t channels_ = 0;     // C
  torch::Tensor normalized_; // [1, B, groups, the rest]
  torch::Tensor scale_;      // [1, B, groups, 1]
};

} // namespace

std::unique_ptr<KnownLayer> make_group_norm(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto norm = exactly<torch::nn::GroupNormImpl>(module);
  return norm ? std::make_unique<KnownGroupNorm>(std::move(norm)) : nullptr;
}

} // namespace polytask::detail
