// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/task_lora_layer.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <set>

#include "core/archive_key.h"
#include "core/check.h"
#include "sharing/cloning.h"
#include "sharing/like_rest.h"
#include "sharing/lora/base_layer.h"
#include "sharing/matching.h"

namespace polytask {

namespace {

std::vector<std::string> lora_names(const TaskLoRALayerOptions& options) {
  std::vector<std::string> names;
  for (const auto& task : options.tasks()) {
    names.push_back(task.name());
  }
  return names;
}

} // namespace

TaskLoRALayerImpl::TaskLoRALayerImpl(
    torch::nn::Linear base, TaskLoRALayerOptions options)
    : TaskLoRALayerImpl(Network(std::move(base)), std::move(options)) {}

TaskLoRALayerImpl::TaskLoRALayerImpl(
    torch::nn::Conv2d base, TaskLoRALayerOptions options)
    : TaskLoRALayerImpl(Network(std::move(base)), std::move(options)) {}

TaskLoRALayerImpl::TaskLoRALayerImpl(Network base, TaskLoRALayerOptions options)
    : Module("polytask::TaskLoRALayer"),
      base_(std::move(base)),
      options_(std::move(options)) {
  const auto layer = detail::BaseLayer::of(base_.module());
  TORCH_CHECK_VALUE(
      layer.has_value(),
      "TaskLoRALayer: expected a Linear or a Conv2d, and none derived from "
      "them, but got '",
      base_.module()->name(),
      "'.");
  layer_ = std::make_unique<detail::BaseLayer>(*layer);
  check_options();
  const auto make = [&](int64_t rank, double scale) {
    auto made = layer_->make_low_rank(
        rank, scale, options_.trainable_scales(), "TaskLoRALayer");
    detail::make_like_rest(*base_.module(), *made);
    return made;
  };
  register_module("base", base_.module());
  if (options_.mode() == TaskLoRAMode::kAddition) {
    norm_ = torch::nn::LayerNorm(
        torch::nn::LayerNormOptions({layer_->weight().size(0)}));
    detail::make_like_rest(*base_.module(), *norm_);
    register_module("norm", norm_);
  } else {
    shared_ = register_module(
        "shared", make(options_.shared_rank(), options_.shared_scale()));
  }
  const auto by_task =
      std::make_shared<torch::nn::Module>("polytask::TaskChanges");
  for (const auto& task : options_.tasks()) {
    tasks_.push_back(make(task.rank(), task.scale()));
    by_task->register_module(detail::archive_key(task.name()), tasks_.back());
  }
  register_module("tasks", by_task);
}

TaskLoRALayerImpl::~TaskLoRALayerImpl() = default;

void TaskLoRALayerImpl::check_options() const {
  TORCH_CHECK_VALUE(
      layer_->has_change_of_output(),
      "TaskLoRALayer: the convolution pads with something else than zeros, "
      "which has no low-rank form here.");
  const bool has_tasks = options_.mode() != TaskLoRAMode::kLoRAOnly;
  TORCH_CHECK_VALUE(
      options_.tasks().empty() != has_tasks,
      has_tasks ? "TaskLoRALayer: expected at least one task."
                : "TaskLoRALayer: kLoRAOnly has no tasks, but got ",
      has_tasks ? "" : detail::quoted(lora_names(options_)) + ".");
  TORCH_CHECK_VALUE(
      layer_->is_linear() || options_.mode() != TaskLoRAMode::kAddition,
      "TaskLoRALayer: kAddition takes a Linear, but got a convolution.");
  std::set<std::string> names;
  for (const auto& task : options_.tasks()) {
    TORCH_CHECK_VALUE(
        names.insert(task.name()).second,
        "TaskLoRALayer: the task '",
        task.name(),
        "' comes twice.");
  }
}

size_t TaskLoRALayerImpl::place(const std::string& task) const {
  for (size_t i = 0; i < tasks_.size(); ++i) {
    if (options_.tasks()[i].name() == task) {
      return i;
    }
  }
  TORCH_CHECK_VALUE(
      false,
      "TaskLoRALayer: there is no task '",
      task,
      "'; there is ",
      tasks_.empty() ? "none" : detail::quoted(lora_names(options_)),
      ".");
}

torch::Tensor TaskLoRALayerImpl::common(const torch::Tensor& input) const {
  const torch::Tensor output = layer_->forward(input);
  return options_.mode() == TaskLoRAMode::kMatrixV2
      ? output + layer_->changed(input, *shared_)
      : output;
}

torch::Tensor TaskLoRALayerImpl::task_output(
    const torch::Tensor& common,
    const torch::Tensor& input,
    size_t task) const {
  return common + layer_->changed(input, *tasks_[task]);
}

torch::Tensor TaskLoRALayerImpl::forward(const torch::Tensor& input) {
  if (options_.mode() == TaskLoRAMode::kAddition) {
    return outputs(input).shared;
  }
  return layer_->forward(input) + layer_->changed(input, *shared_);
}

torch::Tensor TaskLoRALayerImpl::forward_task(
    const torch::Tensor& input,
    const std::string& task,
    const torch::Tensor& task_input) {
  return task_output(
      common(input), task_input.defined() ? task_input : input, place(task));
}

TaskLoRALayerImpl::Outputs TaskLoRALayerImpl::outputs(
    const torch::Tensor& input, const std::vector<torch::Tensor>& task_inputs) {
  TORCH_CHECK_VALUE(
      task_inputs.empty() || task_inputs.size() == tasks_.size(),
      "TaskLoRALayer: expected an input for each of the ",
      tasks_.size(),
      " tasks, but got ",
      task_inputs.size(),
      ".");
  Outputs all{{}, torch::OrderedDict<std::string, torch::Tensor>("Task")};
  const torch::Tensor start = common(input);
  torch::Tensor sum;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const auto output =
        task_output(start, task_inputs.empty() ? input : task_inputs[i], i);
    sum = sum.defined() ? sum + output : output;
    all.tasks.insert(options_.tasks()[i].name(), output);
  }
  switch (options_.mode()) {
    case TaskLoRAMode::kAddition:
      all.shared = start + norm_->forward(sum);
      break;
    case TaskLoRAMode::kMatrixV2:
      all.shared = start;
      break;
    default:
      all.shared = start + layer_->changed(input, *shared_);
  }
  return all;
}

Network TaskLoRALayerImpl::merged(
    const std::vector<const detail::LowRank*>& changes) const {
  Network copy = base_.clone();
  detail::complete_clone(*base_.module(), *copy.module());
  for (const auto* change : changes) {
    detail::BaseLayer::of(copy.module())->add_to_weight(*change);
  }
  return copy;
}

Network TaskLoRALayerImpl::merge() const {
  TORCH_CHECK_VALUE(
      shared_ != nullptr,
      "TaskLoRALayer: the shared output of kAddition is normalised, so it "
      "cannot be merged into one layer.");
  return merged({shared_.get()});
}

Network TaskLoRALayerImpl::merge(const std::string& task) const {
  const detail::LowRank* own = tasks_[place(task)].get();
  return options_.mode() == TaskLoRAMode::kMatrixV2
      ? merged({shared_.get(), own})
      : merged({own});
}

std::shared_ptr<torch::nn::Module> TaskLoRALayerImpl::clone(
    const std::optional<torch::Device>& device) const {
  // The constructor is private.
  auto copy = std::shared_ptr<TaskLoRALayerImpl>(
      new TaskLoRALayerImpl(base_.clone(device), options_));
  detail::copy_state(*this, *copy, device);
  detail::complete_clone(*this, *copy);
  return copy;
}

void TaskLoRALayerImpl::pretty_print(std::ostream& stream) const {
  const char* const modes[] = {
      "kMatrix", "kMatrixV2", "kAddition", "kLoRAOnly"};
  stream << "polytask::TaskLoRALayer(mode="
         << modes[static_cast<int>(options_.mode())]
         << ", tasks=" << tasks_.size() << ")";
}

} // namespace polytask
