// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <cstdint>
#include <map>
#include <optional>

#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace torch::optim {
class Optimizer;
} // namespace torch::optim

namespace polytask::optim {

struct POLYTASK_API GradScalerOptions {
  /// The scale at first; finite and positive.
  TORCH_ARG(double, init_scale) = 65536.0;
  /// The scale is multiplied by it after `growth_interval` updates in a row
  /// with finite gradients; above 1.
  TORCH_ARG(double, growth_factor) = 2.0;
  /// The scale is multiplied by it when a gradient was not finite; in (0, 1).
  TORCH_ARG(double, backoff_factor) = 0.5;
  /// At least 1.
  TORCH_ARG(int64_t, growth_interval) = 2000;
  /// False: `scale` returns its argument, `step` steps, and the rest does
  /// nothing.
  TORCH_ARG(bool, enabled) = true;
};

/// Multiplies losses so that gradients in half precision do not vanish, divides
/// the gradients again, leaves out steps whose gradients are not finite, and
/// finds the scale by that, as PyTorch's torch.amp.GradScaler with the same
/// options.
///
/// ```cpp
/// scaler.scale(loss).backward();
/// scaler.unscale_(optimizer); // to clip or look at gradients; else left out
/// scaler.step(optimizer);
/// scaler.update();
/// ```
///
/// With FusedSGD, FusedAdam and FusedAdamW, and what else is a ScaledStep, no
/// call waits for a device, but for what `step_scaled` says; with other
/// optimizers `step` waits once. The scale is on the device of the first loss.
/// Gradients may be on several devices, may be sparse, and are float, double or
/// bfloat16; half is taken only by `step`, without `unscale_` before it, of
/// parameters in half that a fused kernel steps.
///
/// Source: P. Micikevicius et al., "Mixed precision training", ICLR 2018,
/// section 3.2, in the form of PyTorch's GradScaler. It differs from that where
/// gradients on several devices overflow at once, or those of a first step of
/// SGD with momentum do: PyTorch's fused optimizers then change parameters or
/// momentum nevertheless.
class POLYTASK_API GradScaler {
 public:
  /// Throws on options out of range.
  explicit GradScaler(const GradScalerOptions& options = {});
  GradScaler(GradScaler&&) = default;
  GradScaler& operator=(GradScaler&&) = default;
  GradScaler(const GradScaler&) = delete;
  GradScaler& operator=(const GradScaler&) = delete;

  /// The loss, of any shape, times the scale; differentiable.
  at::Tensor scale(const at::Tensor& loss);

  /// Divides the gradients of the optimizer's parameters by the scale, in
  /// place, so that they can be looked at or clipped before `step`.
  ///
  /// Throws before the first `scale`, when called twice for an optimizer or
  /// after its `step` without `update` between, and, with nothing changed, on
  /// gradients of another kind.
  void unscale_(torch::optim::Optimizer& optimizer);

  /// Whether the optimizer's gradients were unscaled since the last `update`.
  bool is_unscaled(const torch::optim::Optimizer& optimizer) const;

  /// In place of `unscale_`, where somebody else has divided the optimizer's
  /// gradients. `found_inf`: one element of any dtype and device; other than 0
  /// where a gradient was not finite. Throws as `unscale_`.
  void mark_unscaled(
      const torch::optim::Optimizer& optimizer, const at::Tensor& found_inf);

  /// Unscales the gradients, unless that was done, and steps the optimizer; if
  /// one of them is not finite, leaves it as it is.
  ///
  /// Throws as `unscale_`, when called twice for an optimizer without `update`
  /// between, and if no parameter has a gradient.
  void step(torch::optim::Optimizer& optimizer);

  /// Ends an iteration, after the steps of all its optimizers: the scale
  /// becomes `new_scale`, or else shrinks if one of their gradients was not
  /// finite and grows after `growth_interval` iterations without that.
  ///
  /// Throws before the first `scale`, if no gradients were looked at since the
  /// last call, and on a `new_scale` that is not finite and positive.
  void update(std::optional<double> new_scale = std::nullopt);

  /// 1 if not enabled. Waits for the device.
  double get_scale() const;
  /// How many updates in a row were without overflow since the scale has grown.
  /// Waits for the device.
  int64_t get_growth_tracker() const;
  /// Sets both, at the beginning of an iteration. Throws on a scale that is not
  /// finite and positive, and on a negative tracker.
  void restore(double scale, int64_t growth_tracker);
  /// The scale on its device, float of shape []; undefined before the first
  /// `scale`. Updates change it in place.
  const at::Tensor& scale_tensor() const {
    return scale_;
  }

  double get_growth_factor() const {
    return options_.growth_factor();
  }
  double get_backoff_factor() const {
    return options_.backoff_factor();
  }
  int64_t get_growth_interval() const {
    return options_.growth_interval();
  }
  bool is_enabled() const {
    return options_.enabled();
  }
  /// These throw on values out of range.
  void set_growth_factor(double factor);
  void set_backoff_factor(double factor);
  void set_growth_interval(int64_t interval);

  /// Writes the scale, the growth tracker, the factors and the interval; waits
  /// for the device. To be called between iterations.
  void save(torch::serialize::OutputArchive& archive) const;
  /// Goes on from what `save` wrote, at the beginning of an iteration; does
  /// nothing if not enabled. Throws, with nothing changed, on another archive,
  /// and on that of a scaler which was not enabled.
  void load(torch::serialize::InputArchive& archive);

 private:
  enum class Stage { kReady, kUnscaled, kStepped };
  struct OptimizerState {
    Stage stage = Stage::kReady;
    /// On the scale's device; undefined where there was no gradient.
    at::Tensor found_inf;
  };

  void check_scaled(const char* what) const;
  OptimizerState& state_to_unscale(
      const torch::optim::Optimizer& optimizer, const char* what);

  GradScalerOptions options_;
  int64_t init_growth_tracker_ = 0;
  at::Tensor scale_;
  at::Tensor growth_tracker_;
  /// Of this iteration.
  std::map<const torch::optim::Optimizer*, OptimizerState> states_;
};

/// For `torch::save` and `torch::load`.
POLYTASK_API torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const GradScaler& scaler);
POLYTASK_API torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, GradScaler& scaler);

} // namespace polytask::optim
