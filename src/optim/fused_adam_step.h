// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>
#include <torch/optim/adamw.h>
#include <torch/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "fused_ops.h"
#include "kernels/plain_adam.h"

namespace polytask::optim::detail {

using StateOfParameters =
    std::decay_t<decltype(std::declval<torch::optim::Optimizer&>().state())>;

/// The number of steps of one parameter as the kernels want it, a float tensor
/// of shape [] on the parameter's device, beside the integer in LibTorch's
/// state.
///
/// On a CPU the integer rules and is written into the tensor. On other devices
/// the tensor counts by itself, since a recorded graph steps it without
/// running this code; it is written only where somebody else has changed the
/// integer, and read only by `synchronize`.
class StepCounter {
 public:
  /// Counts a step on the host.
  template <typename State>
  const at::Tensor& count(const at::Tensor& parameter, State& state) {
    const int64_t before = state.step();
    if (!tensor_.defined() || tensor_.device() != parameter.device()) {
      tensor_ = at::full(
          {},
          static_cast<double>(before),
          parameter.options().dtype(at::kFloat).requires_grad(false));
    } else if (!parameter.is_cpu() && before != known_) {
      tensor_.fill_(before);
    }
    known_ = before + 1;
    state.step(known_);
    if (parameter.is_cpu()) {
      *tensor_.mutable_data_ptr<float>() = static_cast<float>(known_);
    }
    return tensor_;
  }

  /// Brings the integer in line with the tensor; waits for the device.
  template <typename State>
  void synchronize(State& state) {
    if (tensor_.defined() && !tensor_.is_cpu() && state.step() == known_) {
      known_ = tensor_.item().toLong();
      state.step(known_);
    }
  }

  /// From now on the integer rules.
  void forget() {
    tensor_ = at::Tensor();
  }

 private:
  at::Tensor tensor_;
  int64_t known_ = 0;
};

/// The step that Adam and AdamW share.
template <typename Options, typename State>
class FusedAdamStep {
 public:
  /// Steps what the kernels can take of `group`, the one at `index`, and
  /// returns the parameters that LibTorch's step must take. `scaling` may be
  /// null.
  const std::vector<at::Tensor>& step_group(
      size_t index,
      const torch::optim::OptimizerParamGroup& group,
      StateOfParameters& states,
      Scaling* scaling) {
    if (groups_.size() <= index) {
      groups_.resize(index + 1);
    }
    FusedLists& lists = groups_[index].lists;
    std::vector<StepCounter>& counters = groups_[index].counters;
    counters.resize(group.params().size());
    const auto& options = static_cast<const Options&>(group.options());
    lists.begin();
    for (size_t i = 0; i < group.params().size(); ++i) {
      const at::Tensor& parameter = group.params()[i];
      const at::Tensor& gradient = parameter.grad();
      if (!gradient.defined() ||
          (scaling && parameter.is_cpu() && scaling->found_inf())) {
        continue;
      }
      take(parameter, gradient, options, states, lists, counters[i], scaling);
    }
    lists.finish();
    for (auto& call : lists.calls()) {
      if (!call.gradients.empty()) {
        run(call, options, scaling);
      }
    }
    if (scaling && scaling->is_scaled()) {
      lists.return_gradients();
    }
    lists.release_gradients();
    return lists.left();
  }

  void synchronize(
      const std::vector<torch::optim::OptimizerParamGroup>& groups,
      const StateOfParameters& states) {
    for (size_t g = 0; g < std::min(groups.size(), groups_.size()); ++g) {
      const auto& parameters = groups[g].params();
      auto& counters = groups_[g].counters;
      for (size_t i = 0; i < std::min(parameters.size(), counters.size());
           ++i) {
        const auto found = states.find(parameters[i].unsafeGetTensorImpl());
        if (found != states.end()) {
          counters[i].synchronize(static_cast<State&>(*found->second));
        }
      }
    }
  }

  void forget_counters() {
    for (auto& group : groups_) {
      group.counters.clear();
    }
  }

 private:
  struct Group {
    FusedLists lists;
    /// One for each parameter, in the group's order.
    std::vector<StepCounter> counters;
  };

  void step_by_hand(
      const at::Tensor& parameter,
      const at::Tensor& gradient,
      const Options& options,
      State& state) {
    state.step(state.step() + 1);
    if (parameter.scalar_type() == at::kFloat) {
      step_as<float>(parameter, gradient, options, state);
    } else {
      step_as<double>(parameter, gradient, options, state);
    }
    parameter.unsafeGetTensorImpl()->bump_version();
  }

  template <typename Scalar>
  void step_as(
      const at::Tensor& parameter,
      const at::Tensor& gradient,
      const Options& options,
      State& state) {
    plain_adam(
        AdamArrays<Scalar>{
            parameter.mutable_data_ptr<Scalar>(),
            gradient.const_data_ptr<Scalar>(),
            state.exp_avg().template mutable_data_ptr<Scalar>(),
            state.exp_avg_sq().template mutable_data_ptr<Scalar>(),
            options.amsgrad()
                ? state.max_exp_avg_sq().template mutable_data_ptr<Scalar>()
                : nullptr,
            parameter.numel()},
        numbers(options, state.step()));
  }

  // Of the last parameter too, mostly.
  const AdamStep& numbers(const Options& options, int64_t step) {
    const auto [beta1, beta2] = options.betas();
    if (step != step_ || beta1 != numbers_.beta1 || beta2 != numbers_.beta2) {
      step_ = step;
      const auto count = static_cast<double>(step);
      numbers_.correction1 = 1 - std::pow(beta1, count);
      numbers_.correction2_root = std::sqrt(1 - std::pow(beta2, count));
    }
    numbers_.rate = options.lr();
    numbers_.beta1 = beta1;
    numbers_.beta2 = beta2;
    numbers_.eps = options.eps();
    numbers_.decay = options.weight_decay();
    numbers_.decays_apart = std::is_same_v<Options, torch::optim::AdamWOptions>;
    return numbers_;
  }

  void take(
      const at::Tensor& parameter,
      const at::Tensor& gradient,
      const Options& options,
      StateOfParameters& states,
      FusedLists& lists,
      StepCounter& counter,
      Scaling* scaling) {
    // Others may replace the state at any time. A lookup costs what a check
    // that it is still in its place would.
    auto found = states.find(parameter.unsafeGetTensorImpl());
    if (!can_fuse(parameter, gradient)) {
      if (found != states.end()) {
        counter.synchronize(static_cast<State&>(*found->second));
      }
      counter.forget();
      lists.leave(parameter, scaling);
      return;
    }
    if (found == states.end()) {
      auto made = std::make_unique<State>();
      made->step(0);
      made->exp_avg(at::zeros_like(parameter));
      made->exp_avg_sq(at::zeros_like(parameter));
      found = states.emplace(parameter.unsafeGetTensorImpl(), std::move(made))
                  .first;
    }
    auto& state = static_cast<State&>(*found->second);
    if (options.amsgrad() && !state.max_exp_avg_sq().defined()) {
      state.max_exp_avg_sq(at::zeros_like(parameter));
    }
    if (!matches_in_memory(parameter, state.exp_avg()) ||
        !matches_in_memory(parameter, state.exp_avg_sq()) ||
        (options.amsgrad() &&
         !matches_in_memory(parameter, state.max_exp_avg_sq()))) {
      counter.synchronize(state);
      counter.forget();
      lists.leave(parameter, scaling);
      return;
    }
    if (is_stepped_by_hand(parameter, gradient)) {
      if (scaling) {
        scaling->unscale_(gradient);
      }
      step_by_hand(parameter, gradient, options, state);
      return;
    }
    const at::Tensor& steps = counter.count(parameter, state);
    lists.add(
        {parameter.device(), parameter.scalar_type(), /*first_step=*/false},
        parameter,
        gradient,
        {&state.exp_avg(),
         &state.exp_avg_sq(),
         options.amsgrad() ? &state.max_exp_avg_sq() : nullptr,
         &steps});
  }

  static void run(
      FusedCall& call, const Options& options, const Scaling* scaling) {
    if (!call.key.device.is_cpu() && scaling) {
      // A kernel that leaves the step out does not look at its number.
      at::_foreach_add_(
          call.state[3], 1 - scaling->found_inf_on(call.key.device));
    } else if (!call.key.device.is_cpu()) {
      at::_foreach_add_(call.state[3], 1);
    }
    fused_adam_(call, options, scaling);
    // As LibTorch's own step does, so that a backward pass through values from
    // before it is refused.
    for (const auto& parameter : call.parameters) {
      parameter.unsafeGetTensorImpl()->bump_version();
    }
  }

  std::vector<Group> groups_;
  AdamStep numbers_{};
  int64_t step_ = 0;
};

} // namespace polytask::optim::detail
