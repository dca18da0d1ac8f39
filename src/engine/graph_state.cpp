// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "graph_state.h"

#include <algorithm>
#include <typeinfo>
#include <utility>

#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>

#include "../optim/fused_lists.h"
#include "../optim/fused_ops.h"
#include "input_groups.h"

namespace polytask::detail {

namespace {

using torch::optim::AdamOptions;
using torch::optim::AdamParamState;
using torch::optim::AdamWOptions;
using torch::optim::AdamWParamState;
using torch::optim::Optimizer;
using torch::optim::OptimizerOptions;
using torch::optim::OptimizerParamState;
using torch::optim::SGDOptions;
using torch::optim::SGDParamState;

template <typename Options>
void add_adam_options(const Options& own, std::vector<double>& values) {
  values.insert(
      values.end(),
      {std::get<0>(own.betas()),
       std::get<1>(own.betas()),
       own.eps(),
       own.weight_decay(),
       own.amsgrad() ? 1.0 : 0.0});
}

void add_options(const OptimizerOptions& options, std::vector<double>& values) {
  if (const auto* sgd = dynamic_cast<const SGDOptions*>(&options)) {
    values.insert(
        values.end(),
        {sgd->momentum(),
         sgd->dampening(),
         sgd->weight_decay(),
         sgd->nesterov() ? 1.0 : 0.0});
  } else if (const auto* adam = dynamic_cast<const AdamOptions*>(&options)) {
    add_adam_options(*adam, values);
  } else if (const auto* adamw = dynamic_cast<const AdamWOptions*>(&options)) {
    add_adam_options(*adamw, values);
  }
}

template <typename State>
std::vector<at::Tensor> adam_tensors(const OptimizerParamState& state) {
  const auto& own = static_cast<const State&>(state);
  return {own.exp_avg(), own.exp_avg_sq(), own.max_exp_avg_sq()};
}

// Undefined where there is none.
std::vector<at::Tensor> state_tensors(
    const Optimizer& optimizer, const at::Tensor& parameter) {
  const auto found = optimizer.state().find(parameter.unsafeGetTensorImpl());
  if (found == optimizer.state().end()) {
    return std::vector<at::Tensor>(3);
  }
  if (typeid(optimizer) == typeid(optim::FusedSGD)) {
    const auto& own = static_cast<const SGDParamState&>(*found->second);
    return {own.momentum_buffer(), at::Tensor(), at::Tensor()};
  }
  return typeid(optimizer) == typeid(optim::FusedAdam)
      ? adam_tensors<AdamParamState>(*found->second)
      : adam_tensors<AdamWParamState>(*found->second);
}

const void* place_of(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return nullptr;
  }
  return tensor.has_storage() ? tensor.const_data_ptr()
                              : tensor.unsafeGetTensorImpl();
}

void add_tensor(const at::Tensor& tensor, std::vector<int64_t>& shape) {
  shape.push_back(static_cast<int64_t>(tensor.scalar_type()));
  shape.push_back(tensor.dim());
  shape.insert(shape.end(), tensor.sizes().begin(), tensor.sizes().end());
}

bool is_plain_on(const at::Tensor& tensor, at::Device device) {
  return tensor.layout() == at::kStrided && tensor.device() == device &&
      !tensor.requires_grad();
}

std::string loss_obstacle(const Loss& loss, at::Device device) {
  const LossFunction& function = loss.function();
  return function.form().kind == LossForm::Kind::kUnknown
      ? "nobody knows whether its loss can be recorded"
      : function.recording_obstacle(device);
}

} // namespace

std::vector<int64_t> graph_shape(const HeadSteps& steps, bool share_input) {
  std::vector<int64_t> shape{share_input ? 1 : 0};
  const auto groups = input_groups(steps, share_input);
  size_t known = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const HeadStep& step = steps[i];
    shape.push_back(step.task);
    shape.push_back(static_cast<int64_t>(groups[i]));
    shape.push_back(step.labels->is_complete() ? 1 : 0);
    if (groups[i] == known) {
      ++known;
      add_tensor(*step.input, shape);
    }
    add_tensor(step.labels->target(), shape);
  }
  return shape;
}

GraphState::GraphState(const StepContext& context, const HeadSteps& steps) {
  for (const HeadStep& step : steps) {
    weights_.push_back(step.weight);
    missing_.push_back(step.labels->missing());
  }
  for (const auto& module : context.plan().modules()) {
    modes_.push_back(module->is_training());
  }
  for (const auto& buffer : context.plan().buffers()) {
    memory_.push_back(place_of(buffer));
  }
  const Optimizer& optimizer = *context.optimizer;
  for (const auto& group : optimizer.param_groups()) {
    rates_.push_back(group.options().get_lr());
    add_options(group.options(), options_);
    for (const auto& parameter : group.params()) {
      trained_.push_back(parameter.requires_grad());
      memory_.push_back(place_of(parameter));
      for (auto& state : state_tensors(optimizer, parameter)) {
        memory_.push_back(place_of(state));
        held_.push_back(std::move(state));
      }
    }
  }
}

std::string GraphState::difference(const GraphState& now) const {
  if (now.rates_ != rates_) {
    return "the learning rate";
  }
  if (now.options_ != options_) {
    return "an option of the optimizer";
  }
  if (now.weights_ != weights_) {
    return "the weight of a task";
  }
  if (now.missing_ != missing_) {
    return "the number of missing labels";
  }
  if (now.modes_ != modes_ || now.trained_ != trained_) {
    return "what is being trained";
  }
  // A step makes what its update needs; what appears later is of other steps.
  const bool same_places = std::ranges::equal(
      memory_, now.memory_, [](const void* before, const void* after) {
        return before == nullptr || before == after;
      });
  return same_places ? "" : "the place of a tensor in memory";
}

std::string graph_obstacle(const Optimizer& optimizer) {
  const auto& type = typeid(optimizer);
  const bool is_fused = type == typeid(optim::FusedSGD) ||
      type == typeid(optim::FusedAdam) || type == typeid(optim::FusedAdamW);
  return is_fused && optim::detail::has_fused_ops()
      ? ""
      : "the optimizer is none of SGD, Adam and AdamW";
}

std::string graph_obstacle(const StepContext& context, const HeadSteps& steps) {
  const at::Device device = context.plan().parameters().front().device();
  if (!std::ranges::all_of(
          context.plan().parameters(), [&](const auto& parameter) {
            return parameter.device() == device;
          })) {
    return "the model is on more than one device";
  }
  for (const HeadStep& step : steps) {
    if (!step.input->defined()) {
      return "the input of task '" + context.name(step.task) +
          "' is several tensors";
    }
    if (!is_plain_on(*step.input, device) ||
        !is_plain_on(step.labels->target(), device)) {
      return "the data of task '" + context.name(step.task) +
          "' are not plain tensors on the model's device";
    }
    if (step.labels->is_weighted()) {
      return "rows have weights";
    }
    const std::string found =
        loss_obstacle(context.model->task(step.task).loss(), device);
    if (!found.empty()) {
      return "task '" + context.name(step.task) + "': " + found;
    }
  }
  return "";
}

bool is_all_fused(const Optimizer& optimizer) {
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& parameter : group.params()) {
      const at::Tensor& gradient = parameter.grad();
      if (!gradient.defined()) {
        continue;
      }
      if (!optim::detail::can_fuse(parameter, gradient)) {
        return false;
      }
      for (const auto& state : state_tensors(optimizer, parameter)) {
        if (state.defined() &&
            !optim::detail::matches_in_memory(parameter, state)) {
          return false;
        }
      }
    }
  }
  return true;
}

} // namespace polytask::detail
