// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/_adaptive_avg_pool2d_backward.h>
#include <ATen/ops/avg_pool2d_backward.h>
#include <torch/nn/modules/pooling.h>

#include <functional>

#include "known_layer.h"

namespace polytask::detail {

namespace {

using torch::Tensor;

/// Pools planes, each by itself: those of a batch, or of a single element.
template <typename Impl>
class KnownPooling : public KnownLayer {
 public:
  explicit KnownPooling(std::shared_ptr<Impl> module)
      : module_(std::move(module)) {}

  Obstacle obstacle(at::ScalarType, torch::Device) const override {
    return {};
  }

 protected:
  std::shared_ptr<Impl> module_;
  std::vector<int64_t> shape_; // of the input
};

/// Maxima, each of which hands its cotangent to one element; windows may
/// overlap, so an element may get several.
template <typename Impl, int64_t D>
class KnownMaxPooling : public KnownPooling<Impl> {
 public:
  using KnownPooling<Impl>::KnownPooling;

  Tensor forward(const Tensor& input) override {
    const auto [output, places] = run_on(input, *this->module_, [&] {
      return this->module_->forward_with_indices(input);
    });
    this->shape_ = input.sizes().vec();
    elements_ = 1;
    for (int64_t dim = 1; dim <= D; ++dim) {
      elements_ *= input.size(-dim);
    }
    places_ = places.reshape({1, input.numel() / elements_, -1});
    return output;
  }
  Tensor backward(const Tensor& cotangents, int64_t tasks) override {
    const Tensor from =
        cotangents.reshape({tasks, places_.size(1), places_.size(2)});
    Tensor to =
        torch::zeros({tasks, places_.size(1), elements_}, cotangents.options());
    to.scatter_add_(2, places_.expand(from.sizes()), from);
    return to.view(with_tasks(this->shape_, tasks));
  }

 private:
  int64_t elements_ = 0; // of a plane
  Tensor places_;        // [1, planes, outputs of one]
};

/// Means, whose cotangents depend on the input's shape alone.
template <typename Impl>
class KnownMeanPooling : public KnownPooling<Impl> {
 public:
  using Backward =
      Tensor (*)(const Impl& module, const Tensor& from, const Tensor& like);

  KnownMeanPooling(std::shared_ptr<Impl> module, Backward of_means)
      : KnownPooling<Impl>(std::move(module)), backward_(of_means) {}

  Tensor forward(const Tensor& input) override {
    this->shape_ = input.sizes().vec();
    return run_on(
        input, *this->module_, [&] { return this->module_->forward(input); });
  }
  Tensor backward(const Tensor& cotangents, int64_t tasks) override {
    return backward_(
               *this->module_,
               cotangents,
               torch::empty(
                   with_tasks(this->shape_, tasks), cotangents.options()))
        .contiguous();
  }

 private:
  Backward backward_;
};

template <typename Impl, int64_t D>
std::unique_ptr<KnownLayer> maximum_if(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto pool = exactly<Impl>(module);
  return pool ? std::make_unique<KnownMaxPooling<Impl, D>>(std::move(pool))
              : nullptr;
}

template <typename Impl>
std::unique_ptr<KnownLayer> mean_if(
    const std::shared_ptr<torch::nn::Module>& module,
    typename KnownMeanPooling<Impl>::Backward backward) {
  auto pool = exactly<Impl>(module);
  return pool
      ? std::make_unique<KnownMeanPooling<Impl>>(std::move(pool), backward)
      : nullptr;
}

Tensor avg_pool1d_backward(
    const torch::nn::AvgPool1dImpl& module,
    const Tensor& from,
    const Tensor& like) {
  const auto& options = module.options;
  return at::avg_pool2d_backward(
             from.unsqueeze(-2),
             like.unsqueeze(-2),
             {1, (*options.kernel_size())[0]},
             {1, (*options.stride())[0]},
             {0, (*options.padding())[0]},
             options.ceil_mode(),
             options.count_include_pad(),
             std::nullopt)
      .squeeze(-2);
}

Tensor avg_pool2d_backward(
    const torch::nn::AvgPool2dImpl& module,
    const Tensor& from,
    const Tensor& like) {
  const auto& options = module.options;
  return at::avg_pool2d_backward(
      from,
      like,
      *options.kernel_size(),
      *options.stride(),
      *options.padding(),
      options.ceil_mode(),
      options.count_include_pad(),
      options.divisor_override());
}

Tensor adaptive_avg_pool1d_backward(
    const torch::nn::AdaptiveAvgPool1dImpl&,
    const Tensor& from,
    const Tensor& like) {
  return at::_adaptive_avg_pool2d_backward(
             from.unsqueeze(-2), like.unsqueeze(-2))
      .squeeze(-2);
}

Tensor adaptive_avg_pool2d_backward(
    const torch::nn::AdaptiveAvgPool2dImpl&,
    const Tensor& from,
    const Tensor& like) {
  return at::_adaptive_avg_pool2d_backward(from, like);
}

} // namespace

std::unique_ptr<KnownLayer> make_pooling(
    const std::shared_ptr<torch::nn::Module>& module) {
  using namespace torch::nn;
  if (auto layer = maximum_if<MaxPool1dImpl, 1>(module)) {
    return layer;
  }
  if (auto layer = maximum_if<MaxPool2dImpl, 2>(module)) {
    return layer;
  }
  if (auto layer = maximum_if<AdaptiveMaxPool1dImpl, 1>(module)) {
    return layer;
  }
  if (auto layer = maximum_if<AdaptiveMaxPool2dImpl, 2>(module)) {
    return layer;
  }
  if (auto layer = mean_if<AvgPool1dImpl>(module, avg_pool1d_backward)) {
    return layer;
  }
  if (auto layer = mean_if<AvgPool2dImpl>(module, avg_pool2d_backward)) {
    return layer;
  }
  if (auto layer = mean_if<AdaptiveAvgPool1dImpl>(
          module, adaptive_avg_pool1d_backward)) {
    return layer;
  }
  return mean_if<AdaptiveAvgPool2dImpl>(module, adaptive_avg_pool2d_backward);
}

} // namespace polytask::detail
