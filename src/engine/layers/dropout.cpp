// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <torch/nn/modules/dropout.h>

#include "known_layer.h"

namespace polytask::detail {

namespace {

using torch::Tensor;

/// y = x · factor + offset with one draw for all tasks. What the module itself
/// makes of ones takes the same numbers from the generator as its forward, and
/// says which they were.
template <typename Impl>
class KnownDropout : public KnownLayer {
 public:
  explicit KnownDropout(std::shared_ptr<Impl> module)
      : module_(std::move(module)) {}

  Obstacle obstacle(at::ScalarType, torch::Device) const override {
    return {};
  }
  bool maps_rows() const override {
    return true;
  }
  bool draws() const override {
    return module_->is_training() && module_->options.p() != 0;
  }
  Tensor forward(const Tensor& input) override {
    factor_.reset();
    if (!draws()) {
      return input;
    }
    const Tensor of_ones = run_on(input, *module_, [&] {
      return module_->forward(torch::ones_like(input));
    });
    return apply(input, of_ones);
  }
  Tensor backward(const Tensor& cotangents, int64_t tasks) override {
    if (factor_.defined()) {
      by_task(cotangents, tasks).mul_(factor_);
    }
    return cotangents;
  }

 protected:
  virtual Tensor apply(const Tensor& input, const Tensor& of_ones) {
    factor_ = of_ones;
    return input * factor_;
  }

  std::shared_ptr<Impl> module_;
  Tensor factor_; // as the input; undefined where that is the output
};

/// Elements that are dropped become -alpha, before a map that keeps mean and
/// variance: of ones it makes factor · (1 + alpha · p), or a negative number.
///
/// Source: G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter,
/// "Self-normalizing neural networks", NeurIPS 2017.
template <typename Impl>
class KnownAlphaDropout : public KnownDropout<Impl> {
 public:
  using KnownDropout<Impl>::KnownDropout;

 protected:
  Tensor apply(const Tensor& input, const Tensor& of_ones) override {
    constexpr double kAlpha = 1.7580993408473766;
    this->factor_ =
        of_ones.clamp_min(0).div_(1 + kAlpha * this->module_->options.p());
    return input * this->factor_ + (of_ones - this->factor_);
  }
};

template <template <typename> class Known, typename Impl>
std::unique_ptr<KnownLayer> dropout_if(
    const std::shared_ptr<torch::nn::Module>& module) {
  auto dropout = exactly<Impl>(module);
  return dropout ? std::make_unique<Known<Impl>>(std::move(dropout)) : nullptr;
}

} // namespace

std::unique_ptr<KnownLayer> make_dropout(
    const std::shared_ptr<torch::nn::Module>& module) {
  using namespace torch::nn;
  if (auto layer = dropout_if<KnownDropout, DropoutImpl>(module)) {
    return layer;
  }
  if (auto layer = dropout_if<KnownDropout, Dropout2dImpl>(module)) {
    return layer;
  }
  if (auto layer = dropout_if<KnownAlphaDropout, AlphaDropoutImpl>(module)) {
    return layer;
  }
  return dropout_if<KnownAlphaDropout, FeatureAlphaDropoutImpl>(module);
}

} // namespace polytask::detail
