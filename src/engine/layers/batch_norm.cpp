// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <torch/nn/modules/batchnorm.h>

#include <algorithm>

#include "affine.h"
#include "rectified_layer.h"

namespace polytask::detail {

namespace {

/// y = (x - mean) / sqrt(variance + eps) · gain + bias for each channel of
/// [B, C, ...], by the statistics of the batch, which all tasks share, or in
/// evaluation by those that were kept.
///
/// Source: S. Ioffe, C. Szegedy, "Batch normalization: Accelerating deep
/// network training by reducing internal covariate shift", ICML 2015.
template <typename Impl>
class KnownBatchNorm : public RectifiedLayer {
 public:
  KnownBatchNorm(std::shared_ptr<Impl> module, std::vector<int64_t> dimensions)
      : module_(std::move(module)), dimensions_(std::move(dimensions)) {}

  Obstacle obstacle(at::ScalarType type, torch::Device device) const override {
    const int64_t channels = module_->options.num_features();
    for (const auto* kept : {&module_->running_mean, &module_->running_var}) {
      if (kept->defined() &&
          (kept->scalar_type() != type || kept->device() != device ||
           kept->sizes() != at::IntArrayRef(channels))) {
        return {"a BatchNorm's statistics are not of its parameters' kind"};
      }
    }
    return affine().obstacle({channels}, type, device);
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
    affine().write_rows(
        in_channels(cotangents, rows.size(0)), normalized_, {1, 3}, rows);
  }

  // What makes the statistics follow the input is the same for every gain.
  torch::Tensor backward(
      const torch::Tensor& cotangents, int64_t tasks) override {
    const torch::Tensor slopes = in_channels(cotangents, tasks);
    const torch::Tensor factor = module_->weight.defined()
        ? scale_ * module_->weight.view({1, 1, -1, 1})
        : scale_;
    const torch::Tensor from = is_of_batch_
        ? through_statistics(slopes, normalized_, {1, 3}).mul_(factor)
        : slopes * factor;
    // Half precision is normalized in float.
    return from.view(cotangents.sizes()).to(cotangents.scalar_type());
  }

 private:
  AffineParameters affine() const {
    return {module_->weight, module_->bias};
  }

  // As BatchNormImplBase::forward does it.
  double count_batch() {
    const auto& options = module_->options;
    const double momentum = options.momentum().value_or(0.0);
    const bool counts = module_->is_training() &&
        options.track_running_stats() && module_->num_batches_tracked.defined();
    if (!counts) {
      return momentum;
    }
    module_->num_batches_tracked += 1;
    return options.momentum()
        ? momentum
        : 1.0 / module_->num_batches_tracked.template item<double>();
  }

  torch::Tensor normalize(const torch::Tensor& input) {
    TORCH_CHECK(
        std::find(dimensions_.begin(), dimensions_.end(), input.dim()) !=
            dimensions_.end(),
        "expected one of ",
        at::IntArrayRef(dimensions_),
        " dimensions");
    TORCH_CHECK(
        input.size(1) == module_->options.num_features(),
        "expected ",
        module_->options.num_features(),
        " channels");
    is_of_batch_ =
        module_->is_training() || !module_->options.track_running_stats();
    TORCH_CHECK(
        !is_of_batch_ || input.numel() != input.size(1),
        "expected more than one value for each channel in training");
    const double eps = module_->options.eps();
    auto [output, mean, scale] = torch::native_batch_norm(
        input,
        module_->weight,
        module_->bias,
        module_->running_mean,
        module_->running_var,
        is_of_batch_,
        count_batch(),
        eps);
    if (!is_of_batch_) {
      mean = module_->running_mean;
      scale = (module_->running_var + eps).rsqrt_();
    }
    scale_ = scale.view({1, 1, -1, 1});
    normalized_ =
        (in_channels(input, 1) - mean.view({1, 1, -1, 1})).mul_(scale_);
    return rectified(output);
  }

  // [n, B, C, the rest]
  torch::Tensor in_channels(const torch::Tensor& given, int64_t tasks) const {
    return given.reshape({tasks, given.size(0) / tasks, given.size(1), -1});
  }

  std::shared_ptr<Impl> module_;
  std::vector<int64_t> dimensions_; // that an input may have
  bool is_of_batch_ = false;
  torch::Tensor normalized_; // [1, B, C, the rest]
  torch::Tensor scale_;      // [1, 1, C, 1]
};

template <typename Impl>
std::unique_ptr<KnownLayer> batch_norm_if(
    const std::shared_ptr<torch::nn::Module>& module,
    std::vector<int64_t> dimensions) {
  auto norm = exactly<Impl>(module);
  return norm ? std::make_unique<KnownBatchNorm<Impl>>(
                    std::move(norm), std::move(dimensions))
              : nullptr;
}

} // namespace

std::unique_ptr<KnownLayer> make_batch_norm(
    const std::shared_ptr<torch::nn::Module>& module) {
  if (auto layer = batch_norm_if<torch::nn::BatchNorm1dImpl>(module, {2, 3})) {
    return layer;
  }
  return batch_norm_if<torch::nn::BatchNorm2dImpl>(module, {4});
}

} // namespace polytask::detail
