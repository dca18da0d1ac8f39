// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <functional>
#include <typeinfo>

#include "known_layer.h"
#include "products.h"

namespace polytask::detail {

namespace {

using torch::Tensor;

/// Element by element: the slope depends on what was kept of the forward, the
/// input or the output, and is the same for all tasks.
class KnownActivation : public KnownLayer {
 public:
  enum class Keeps { kInput, kOutput };
  using Forward = std::function<void(Tensor& output, const Tensor& input)>;
  using Backward = std::function<void(
      Tensor& to, const Tensor& cotangents, const Tensor& kept)>;

  KnownActivation(Keeps keeps, Forward forward, Backward backward)
      : keeps_(keeps),
        forward_(std::move(forward)),
        backward_(std::move(backward)) {}

  Obstacle obstacle(at::ScalarType, torch::Device) const override {
    return {};
  }
  Tensor forward(const Tensor& input) override {
    reserve(output_, input.sizes(), input.options());
    forward_(output_, input);
    kept_ = keeps_ == Keeps::kInput ? input : output_;
    return output_;
  }
  Tensor backward(const Tensor& cotangents, int64_t tasks) override {
    std::vector<int64_t> shape{tasks};
    shape.insert(shape.end(), kept_.sizes().begin(), kept_.sizes().end());
    Tensor slopes = cotangents.view(shape);
    backward_(slopes, slopes, kept_.expand(shape));
    return cotangents;
  }

 private:
  Keeps keeps_;
  Forward forward_;
  Backward backward_;
  Tensor output_;
  Tensor kept_;
};

template <typename Impl>
const Impl* exactly(const torch::nn::Module& module) {
  return typeid(module) == typeid(Impl) ? static_cast<const Impl*>(&module)
                                        : nullptr;
}

/// The input itself, where the module's mode makes it so.
class KnownIdentity : public KnownLayer {
 public:
  explicit KnownIdentity(std::shared_ptr<torch::nn::Module> module)
      : module_(std::move(module)) {}

  Obstacle obstacle(at::ScalarType, torch::Device) const override {
    const auto* dropout = exactly<torch::nn::DropoutImpl>(*module_);
    if (dropout && dropout->is_training() && dropout->options.p() > 0) {
      return {"the trunk has a Dropout in training mode"};
    }
    return {};
  }
  Tensor forward(const Tensor& input) override {
    return input;
  }
  Tensor backward(const Tensor& cotangents, int64_t) override {
    return cotangents;
  }

 private:
  std::shared_ptr<torch::nn::Module> module_;
};

using Keeps = KnownActivation::Keeps;

std::unique_ptr<KnownLayer> known(
    Keeps keeps,
    KnownActivation::Forward forward,
    KnownActivation::Backward backward) {
  return std::make_unique<KnownActivation>(
      keeps, std::move(forward), std::move(backward));
}

} // namespace

std::unique_ptr<KnownLayer> make_activation(
    const std::shared_ptr<torch::nn::Module>& module) {
  using namespace torch::nn;
  const Module& given = *module;
  if (exactly<ReLUImpl>(given)) {
    return known(
        Keeps::kOutput,
        [](Tensor& out, const Tensor& in) { at::clamp_min_out(out, in, 0); },
        [](Tensor& to, const Tensor& from, const Tensor& output) {
          at::threshold_backward_out(to, from, output, 0);
        });
  }
  if (exactly<TanhImpl>(given)) {
    return known(
        Keeps::kOutput,
        [](Tensor& out, const Tensor& in) { at::tanh_out(out, in); },
        [](Tensor& to, const Tensor& from, const Tensor& output) {
          at::tanh_backward_out(to, from, output);
        });
  }
  if (exactly<SigmoidImpl>(given)) {
    return known(
        Keeps::kOutput,
        [](Tensor& out, const Tensor& in) { at::sigmoid_out(out, in); },
        [](Tensor& to, const Tensor& from, const Tensor& output) {
          at::sigmoid_backward_out(to, from, output);
        });
  }
  if (exactly<SiLUImpl>(given)) {
    return known(
        Keeps::kInput,
        [](Tensor& out, const Tensor& in) { at::silu_out(out, in); },
        [](Tensor& to, const Tensor& from, const Tensor& input) {
          at::silu_backward_out(to, from, input);
        });
  }
  if (const auto* gelu = exactly<GELUImpl>(given)) {
    const std::string approximate = gelu->options.approximate();
    return known(
        Keeps::kInput,
        [approximate](Tensor& out, const Tensor& in) {
          at::gelu_out(out, in, approximate);
        },
        [approximate](Tensor& to, const Tensor& from, const Tensor& input) {
          at::gelu_backward_out(to, from, input, approximate);
        });
  }
  if (const auto* leaky = exactly<LeakyReLUImpl>(given)) {
    const double slope = leaky->options.negative_slope();
    return known(
        Keeps::kInput,
        [slope](Tensor& out, const Tensor& in) {
          at::leaky_relu_out(out, in, slope);
        },
        [slope](Tensor& to, const Tensor& from, const Tensor& input) {
          at::leaky_relu_backward_out(to, from, input, slope, false);
        });
  }
  if (const auto* elu = exactly<ELUImpl>(given)) {
    const double alpha = elu->options.alpha();
    return known(
        Keeps::kInput,
        [alpha](Tensor& out, const Tensor& in) { at::elu_out(out, in, alpha); },
        [alpha](Tensor& to, const Tensor& from, const Tensor& input) {
          at::elu_backward_out(to, from, alpha, 1, 1, false, input);
        });
  }
  if (exactly<IdentityImpl>(given) || exactly<DropoutImpl>(given)) {
    return std::make_unique<KnownIdentity>(module);
  }
  return nullptr;
}

} // namespace polytask::detail
