// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/grad_scaler.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <polytask/optim/scaled_step.h>
#include <torch/optim/optimizer.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/archive.h"
#include "core/in_double.h"
#include "fused_ops.h"
#include "scaling.h"

namespace polytask::optim {

namespace {

constexpr auto kGradScaler = "GradScaler";

void check_loss_scale(double scale) {
  TORCH_CHECK_VALUE(
      std::isfinite(static_cast<float>(scale)) && static_cast<float>(scale) > 0,
      kGradScaler,
      ": expected a scale that is finite and positive in float, but got ",
      scale,
      ".");
}

void check_growth_factor(double factor) {
  TORCH_CHECK_VALUE(
      std::isfinite(factor) && factor > 1,
      kGradScaler,
      ": expected a growth_factor above 1, but got ",
      factor,
      ".");
}

void check_backoff_factor(double factor) {
  TORCH_CHECK_VALUE(
      factor > 0 && factor < 1,
      kGradScaler,
      ": expected a backoff_factor in (0, 1), but got ",
      factor,
      ".");
}

// The kernels count in int.
void check_count(const char* what, int64_t count, int64_t least) {
  TORCH_CHECK_VALUE(
      count >= least && count <= std::numeric_limits<int>::max(),
      kGradScaler,
      ": expected a ",
      what,
      " of at least ",
      least,
      ", but got ",
      count,
      ".");
}

void check_scaler_options(const GradScalerOptions& options) {
  check_loss_scale(options.init_scale());
  check_growth_factor(options.growth_factor());
  check_backoff_factor(options.backoff_factor());
  check_count("growth_interval", options.growth_interval(), 1);
}

void check_scaled_gradient(
    const at::Tensor& parameter, const at::Tensor& gradient, bool to_fuse) {
  const at::Layout layout = gradient.layout();
  TORCH_CHECK_VALUE(
      layout == at::kStrided || layout == at::kSparse,
      kGradScaler,
      ": expected gradients that are dense or sparse by coordinates, but got ",
      layout,
      ".");
  const at::ScalarType dtype = gradient.scalar_type();
  if (dtype == at::kHalf && to_fuse && detail::can_fuse(parameter, gradient)) {
    return;
  }
  TORCH_CHECK_VALUE(
      dtype == at::kFloat || dtype == at::kDouble || dtype == at::kBFloat16,
      kGradScaler,
      ": expected gradients in float, double or bfloat16 to unscale, but got ",
      dtype,
      dtype == at::kHalf ? "; keep parameters in float, and compute in half."
                         : ".");
}

// What the kernel takes together.
struct ScaledGradients {
  at::Device device;
  at::ScalarType dtype;
  std::vector<at::Tensor> gradients;
};

// `to_fuse`: the gradients are not unscaled but only looked at.
std::vector<ScaledGradients> scaled_gradients(
    const torch::optim::Optimizer& optimizer, bool to_fuse) {
  std::vector<ScaledGradients> lists;
  const auto list_for = [&](const at::Tensor& gradient) -> ScaledGradients& {
    for (auto& list : lists) {
      if (list.device == gradient.device() &&
          list.dtype == gradient.scalar_type()) {
        return list;
      }
    }
    lists.push_back({gradient.device(), gradient.scalar_type(), {}});
    return lists.back();
  };
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& parameter : group.params()) {
      const at::Tensor& gradient = parameter.grad();
      if (gradient.defined()) {
        check_scaled_gradient(parameter, gradient, to_fuse);
        list_for(gradient).gradients.push_back(
            gradient.is_sparse() ? gradient._values() : gradient);
      }
    }
  }
  return lists;
}

// Multiplies them by `factor` and says on its device whether one of them was
// not finite; undefined if there is none.
at::Tensor check_and_multiply(
    const std::vector<ScaledGradients>& lists, const at::Tensor& factor) {
  at::Tensor found_inf;
  for (const auto& list : lists) {
    at::Tensor there = at::zeros({}, factor.options().device(list.device));
    detail::check_and_multiply_(
        list.gradients, there, detail::moved_to(list.device, factor));
    there = detail::moved_to(factor.device(), there);
    found_inf = found_inf.defined() ? at::maximum(found_inf, there) : there;
  }
  return found_inf;
}

// By way of double, as PyTorch.
at::Tensor inverse_of(const at::Tensor& scale) {
  return polytask::detail::has_double(scale.device())
      ? scale.to(at::kDouble).reciprocal().to(at::kFloat)
      : scale.reciprocal();
}

} // namespace

GradScaler::GradScaler(const GradScalerOptions& options) : options_(options) {
  check_scaler_options(options_);
}

at::Tensor GradScaler::scale(const at::Tensor& loss) {
  if (!is_enabled()) {
    return loss;
  }
  TORCH_CHECK_VALUE(
      loss.defined(),
      kGradScaler,
      ": expected a loss to scale, but got an undefined tensor.");
  if (!scale_.defined()) {
    const at::TensorOptions there(loss.device());
    scale_ = at::full({}, options_.init_scale(), there.dtype(at::kFloat));
    growth_tracker_ = at::full({}, init_growth_tracker_, there.dtype(at::kInt));
  }
  return loss * detail::moved_to(loss.device(), scale_);
}

void GradScaler::check_scaled(const char* what) const {
  TORCH_CHECK_VALUE(
      scale_.defined(),
      kGradScaler,
      ": expected a call of scale before ",
      what,
      ", but there was none.");
}

GradScaler::OptimizerState& GradScaler::state_to_unscale(
    const torch::optim::Optimizer& optimizer, const char* what) {
  check_scaled(what);
  OptimizerState& state = states_[&optimizer];
  TORCH_CHECK_VALUE(
      state.stage == Stage::kReady,
      kGradScaler,
      ": expected ",
      what,
      " once for an optimizer between updates, before its step, but its "
      "gradients were ",
      state.stage == Stage::kUnscaled ? "unscaled" : "stepped by",
      " already; call update first.");
  return state;
}

void GradScaler::unscale_(torch::optim::Optimizer& optimizer) {
  if (!is_enabled()) {
    return;
  }
  OptimizerState& state = state_to_unscale(optimizer, "unscale_");
  const at::NoGradGuard no_grad;
  state.found_inf = check_and_multiply(
      scaled_gradients(optimizer, /*to_fuse=*/false), inverse_of(scale_));
  state.stage = Stage::kUnscaled;
}

bool GradScaler::is_unscaled(const torch::optim::Optimizer& optimizer) const {
  const auto found = states_.find(&optimizer);
  return found != states_.end() && found->second.stage == Stage::kUnscaled;
}

void GradScaler::mark_unscaled(
    const torch::optim::Optimizer& optimizer, const at::Tensor& found_inf) {
  if (!is_enabled()) {
    return;
  }
  OptimizerState& state = state_to_unscale(optimizer, "mark_unscaled");
  TORCH_CHECK_VALUE(
      found_inf.defined() && found_inf.numel() == 1,
      kGradScaler,
      ": expected found_inf to be a tensor of one element, but got ",
      found_inf.defined() ? c10::str("one of shape ", found_inf.sizes())
                          : "an undefined one",
      ".");
  const at::NoGradGuard no_grad;
  state.found_inf = detail::moved_to(
      scale_.device(), found_inf.reshape({}).ne(0).to(at::kFloat));
  state.stage = Stage::kUnscaled;
}

void GradScaler::step(torch::optim::Optimizer& optimizer) {
  if (!is_enabled()) {
    optimizer.step();
    return;
  }
  check_scaled("step");
  OptimizerState& state = states_[&optimizer];
  TORCH_CHECK_VALUE(
      state.stage != Stage::kStepped,
      kGradScaler,
      ": expected step once for an optimizer between updates, but it was "
      "called already; call update first.");
  auto* scaled = dynamic_cast<ScaledStep*>(&optimizer);
  at::Tensor grad_scale;
  if (state.stage == Stage::kReady && scaled) {
    const at::NoGradGuard no_grad;
    state.found_inf = check_and_multiply(
        scaled_gradients(optimizer, /*to_fuse=*/true), at::ones_like(scale_));
    grad_scale = scale_;
  } else if (state.stage == Stage::kReady) {
    unscale_(optimizer);
  }
  TORCH_CHECK_VALUE(
      state.found_inf.defined(),
      kGradScaler,
      ": expected an optimizer with gradients to step, but none of its "
      "parameters has one.");
  if (scaled) {
    scaled->step_scaled(grad_scale, state.found_inf);
  } else if (state.found_inf.item<float>() == 0.0F) {
    optimizer.step();
  }
  state.stage = Stage::kStepped;
}

void GradScaler::update(std::optional<double> new_scale) {
  if (!is_enabled()) {
    return;
  }
  check_scaled("update");
  const at::NoGradGuard no_grad;
  if (new_scale) {
    check_loss_scale(*new_scale);
    scale_.fill_(*new_scale);
  } else {
    at::Tensor found_inf;
    for (const auto& [optimizer, state] : states_) {
      if (state.found_inf.defined()) {
        found_inf = found_inf.defined()
            ? at::maximum(found_inf, state.found_inf)
            : state.found_inf;
      }
    }
    TORCH_CHECK_VALUE(
        found_inf.defined(),
        kGradScaler,
        ": expected a call of step or unscale_ since the last update, but "
        "there was none.");
    detail::update_scale_(
        scale_,
        growth_tracker_,
        found_inf,
        options_.growth_factor(),
        options_.backoff_factor(),
        options_.growth_interval());
  }
  states_.clear();
}

double GradScaler::get_scale() const {
  if (!is_enabled()) {
    return 1.0;
  }
  return scale_.defined() ? scale_.item<double>() : options_.init_scale();
}

int64_t GradScaler::get_growth_tracker() const {
  return growth_tracker_.defined() ? growth_tracker_.item<int64_t>()
                                   : init_growth_tracker_;
}

void GradScaler::set_growth_factor(double factor) {
  check_growth_factor(factor);
  options_.growth_factor(factor);
}

void GradScaler::set_backoff_factor(double factor) {
  check_backoff_factor(factor);
  options_.backoff_factor(factor);
}

void GradScaler::set_growth_interval(int64_t interval) {
  check_count("growth_interval", interval, 1);
  options_.growth_interval(interval);
}

void GradScaler::save(torch::serialize::OutputArchive& archive) const {
  archive.write(
      "grad_scaler", c10::IValue(is_enabled() ? "enabled" : "not enabled"));
  if (!is_enabled()) {
    return;
  }
  archive.write(
      "scale_and_factors",
      c10::IValue(std::vector<double>{
          get_scale(), options_.growth_factor(), options_.backoff_factor()}));
  archive.write("growth_interval", c10::IValue(options_.growth_interval()));
  archive.write("growth_tracker", c10::IValue(get_growth_tracker()));
}

void GradScaler::load(torch::serialize::InputArchive& archive) {
  if (!is_enabled()) {
    return;
  }
  const polytask::detail::ArchiveReader reader(archive, kGradScaler);
  const std::string kind = reader.text("grad_scaler");
  TORCH_CHECK_VALUE(
      kind == "enabled",
      kGradScaler,
      ": expected the archive of a scaler that was enabled, but found one that "
      "was ",
      kind,
      ".");
  const auto numbers = reader.numbers("scale_and_factors");
  TORCH_CHECK_VALUE(
      numbers.size() == 3,
      kGradScaler,
      ": expected 3 numbers 'scale_and_factors' in the archive, but found ",
      numbers.size(),
      ".");
  const auto options = GradScalerOptions()
                           .init_scale(numbers[0])
                           .growth_factor(numbers[1])
                           .backoff_factor(numbers[2])
                           .growth_interval(reader.integer("growth_interval"));
  const int64_t tracker = reader.integer("growth_tracker");
  check_scaler_options(options);
  check_count("growth_tracker", tracker, 0);
  options_ = options;
  restore(numbers[0], tracker);
}

void GradScaler::restore(double scale, int64_t growth_tracker) {
  check_loss_scale(scale);
  check_count("growth_tracker", growth_tracker, 0);
  options_.init_scale(scale);
  init_growth_tracker_ = growth_tracker;
  if (scale_.defined()) {
    const at::NoGradGuard no_grad;
    scale_.fill_(scale);
    growth_tracker_.fill_(growth_tracker);
  }
  states_.clear();
}

torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const GradScaler& scaler) {
  scaler.save(archive);
  return archive;
}

torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, GradScaler& scaler) {
  scaler.load(archive);
  return archive;
}

} // namespace polytask::optim
