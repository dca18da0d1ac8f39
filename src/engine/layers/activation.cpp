// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include <functional>

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
  bool maps_rows() const override {
    return true;
  }
  Tensor forward(const Tensor& input) override {
    reserve(output_, input.sizes(), input.options());
    forward_(output_, input);
    kept_ = keeps_ == Keeps::kInput ? input : output_;
    return output_;
  }
  Tensor backward(const Tensor& cotangents, int64_t tasks) override {
    if (tasks == 1) {
      Tensor slopes = cotangents;
      backward_(slopes, slopes, kept_);
    } else {
      Tensor slopes = by_task(cotangents, tasks);
      backward_(slopes, slopes, kept_.expand(slopes.sizes()));
    }
    return cotangents;
  }

 private:
  Keeps keeps_;
  Forward forward_;
  Backward backward_;
  Tensor output_;
  Tensor kept_;
};

/// The input itself.
class KnownIdentity : public KnownLayer {
 public:
  Obstacle obstacle(at::ScalarType, torch::Device) const override {
    return {};
  }
  bool maps_rows() const override {
    return true;
  }
  Tensor forward(const Tensor& input) override {
    return input;
  }
  Tensor backward(const Tensor& cotangents, int64_t) override {
    return cotangents;
  }
};

using Keeps = KnownActivation::Keeps;

std::unique_ptr<KnownLayer> known(
    Keeps keeps,
    KnownActivation::Forward forward,
    KnownActivation::Backward backward) {
  return std::make_unique<KnownActivation>(
      keeps, std::move(forward), std::move(backward));
}

// Those without options.
std::unique_ptr<KnownLayer> make_plain(
    const std::shared_ptr<torch::nn::Module>& module) {
  using namespace torch::nn;
  if (exactly<ReLUImpl>(module)) {
    return known(
        Keeps::kOutput,
        [](Tensor& out, const Tensor& in) { at::clamp_min_out(out, in, 0); },
        [](Tensor& to, const Tensor& from, const Tensor& output) {
          at::threshold_backward_out(to, from, output, 0);
        });
  }
  if (exactly<TanhImpl>(module)) {
    return known(
        Keeps::kOutput,
        [](Tensor& out, const Tensor& in) { at::tanh_out(out, in); },
        [](Tensor& to, const Tensor& from, const Tensor& output) {
          at::tanh_backward_out(to, from, output);
        });
  }
  if (exactly<SigmoidImpl>(module)) {
    return known(
        Keeps::kOutput,
        [](Tensor& out, const Tensor& in) { at::sigmoid_out(out, in); },
        [](Tensor& to, const Tensor& from, const Tensor& output) {
          at::sigmoid_backward_out(to, from, output);
        });
  }
  if (exactly<SiLUImpl>(module)) {
    return known(
        Keeps::kInput,
        [](Tensor& out, const Tensor& in) { at::silu_out(out, in); },
        [](Tensor& to, const Tensor& from, const Tensor& input) {
          at::silu_backward_out(to, from, input);
        });
  }
  if (exactly<MishImpl>(module)) {
    return known(
        Keeps::kInput,
        [](Tensor& out, const Tensor& in) { at::mish_out(out, in); },
        [](Tensor& to, const Tensor& from, const Tensor& input) {
          to.copy_(at::mish_backward(from, input));
        });
  }
  if (exactly<ReLU6Impl>(module)) {
    return known(
        Keeps::kInput,
        [](Tensor& out, const Tensor& in) { at::hardtanh_out(out, in, 0, 6); },
        [](Tensor& to, const Tensor& from, const Tensor& input) {
          at::hardtanh_backward_out(to, from, input, 0, 6);
        });
  }
  if (exactly<SELUImpl>(module)) {
    constexpr double kAlpha = 1.6732632423543772848170429916717;
    constexpr double kScale = 1.0507009873554804934193349852946;
    return known(
        Keeps::kInput,
        [](Tensor& out, const Tensor& in) {
          at::elu_out(out, in, kAlpha, kScale, 1);
        },
        [](Tensor& to, const Tensor& from, const Tensor& input) {
          at::elu_backward_out(to, from, kAlpha, kScale, 1, false, input);
        });
  }
  if (exactly<LogSigmoidImpl>(module)) {
    return known(
        Keeps::kInput,
        [](Tensor& out, const Tensor& in) { at::log_sigmoid_out(out, in); },
        // The buffer is what the forward on the host would have kept.
        [](Tensor& to, const Tensor& from, const Tensor& input) {
          at::log_sigmoid_backward_out(
              to, from, input, input.abs().neg_().exp_());
        });
  }
  return nullptr;
}

} // namespace

// Options are read in each step, for the user may change them.
std::unique_ptr<KnownLayer> make_activation(
    const std::shared_ptr<torch::nn::Module>& module) {
  using namespace torch::nn;
  if (auto plain = make_plain(module)) {
    return plain;
  }
  if (const auto gelu = exactly<GELUImpl>(module)) {
    return known(
        Keeps::kInput,
        [gelu](Tensor& out, const Tensor& in) {
          at::gelu_out(out, in, gelu->options.approximate());
        },
        [gelu](Tensor& to, const Tensor& from, const Tensor& input) {
          at::gelu_backward_out(to, from, input, gelu->options.approximate());
        });
  }
  if (const auto leaky = exactly<LeakyReLUImpl>(module)) {
    return known(
        Keeps::kInput,
        [leaky](Tensor& out, const Tensor& in) {
          at::leaky_relu_out(out, in, leaky->options.negative_slope());
        },
        [leaky](Tensor& to, const Tensor& from, const Tensor& input) {
          at::leaky_relu_backward_out(
              to, from, input, leaky->options.negative_slope(), false);
        });
  }
  if (const auto elu = exactly<ELUImpl>(module)) {
    return known(
        Keeps::kInput,
        [elu](Tensor& out, const Tensor& in) {
          at::elu_out(out, in, elu->options.alpha());
        },
        [elu](Tensor& to, const Tensor& from, const Tensor& input) {
          at::elu_backward_out(
              to, from, elu->options.alpha(), 1, 1, false, input);
        });
  }
  if (const auto softplus = exactly<SoftplusImpl>(module)) {
    return known(
        Keeps::kInput,
        [softplus](Tensor& out, const Tensor& in) {
          at::softplus_out(
              out, in, softplus->options.beta(), softplus->options.threshold());
        },
        [softplus](Tensor& to, const Tensor& from, const Tensor& input) {
          at::softplus_backward_out(
              to,
              from,
              input,
              softplus->options.beta(),
              softplus->options.threshold());
        });
  }
  if (const auto hard = exactly<HardtanhImpl>(module)) {
    return known(
        Keeps::kInput,
        [hard](Tensor& out, const Tensor& in) {
          at::hardtanh_out(
              out, in, hard->options.min_val(), hard->options.max_val());
        },
        [hard](Tensor& to, const Tensor& from, const Tensor& input) {
          at::hardtanh_backward_out(
              to,
              from,
              input,
              hard->options.min_val(),
              hard->options.max_val());
        });
  }
  return exactly<IdentityImpl>(module) ? std::make_unique<KnownIdentity>()
                                       : nullptr;
}

} // namespace polytask::detail
