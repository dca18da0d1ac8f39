// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/task_lora.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "core/archive_key.h"
#include "core/check.h"
#include "core/tensor_sets.h"
#include "sharing/cloning.h"
#include "sharing/like_rest.h"
#include "sharing/lora/places.h"
#include "sharing/matching.h"
#include "sharing/task_places.h"

namespace polytask {

TaskLoRAImpl::TaskLoRAImpl(torch::nn::Sequential trunk, TaskLoRAOptions options)
    : Sharing("polytask::TaskLoRA"),
      trunk_(std::move(trunk)),
      options_(std::move(options)),
      places_(std::make_unique<detail::LoRAPlaces>(
          trunk_.as<torch::nn::Sequential>(), options_.adapts())),
      guard_(/*only_reads=*/false),
      first_guard_(/*only_reads=*/false),
      shared_(std::make_shared<torch::nn::Module>("polytask::SharedChanges")),
      by_task_(std::make_shared<torch::nn::Module>("polytask::TaskChanges")) {
  register_module("trunk", trunk_.module());
  const int64_t shared_rank = options_.shared_rank().value_or(options_.rank());
  if (shared_rank != 0) {
    shared_changes_ =
        make_changes(*shared_, shared_rank, options_.shared_scale());
  }
  // To find out now whether ranks and scales are good.
  torch::nn::Module tried("tried");
  make_changes(tried, options_.rank(), options_.scale());
  for (const auto& [task, rank] : options_.rank_of()) {
    TORCH_CHECK_VALUE(
        rank >= 1,
        "TaskLoRA: expected a rank of at least 1 for task '",
        task,
        "', but got ",
        rank,
        ".");
  }
  register_module("shared", shared_);
  register_module("tasks", by_task_);
  if (options_.freezes_trunk()) {
    for (auto& parameter : trunk_.module()->parameters()) {
      parameter.requires_grad_(false);
    }
  }
}

TaskLoRAImpl::~TaskLoRAImpl() = default;

TaskLoRAImpl::Changes TaskLoRAImpl::make_changes(
    torch::nn::Module& into, int64_t rank, double scale) const {
  Changes changes;
  for (const auto& [place, layer] : places_->all()) {
    changes.push_back(layer.make_low_rank(
        rank, scale, options_.trainable_scales(), "TaskLoRA"));
    detail::make_like_rest(*trunk_.module(), *changes.back());
    changes.back()->train(is_training());
    into.register_module(detail::archive_key(place), changes.back());
  }
  return changes;
}

void TaskLoRAImpl::add_task(const std::string& name) {
  auto own = std::make_shared<torch::nn::Module>("polytask::Changes");
  const auto found = options_.rank_of().find(name);
  auto changes = make_changes(
      *own,
      found == options_.rank_of().end() ? options_.rank() : found->second,
      options_.scale());
  own->train(is_training());
  by_task_->register_module(detail::archive_key(name), own);
  task_changes_.push_back(std::move(changes));
}

std::vector<std::string> TaskLoRAImpl::adapted() const {
  std::vector<std::string> places;
  for (const auto& adapted : places_->all()) {
    places.push_back(adapted.place);
  }
  return places;
}

torch::Tensor TaskLoRAImpl::start(const torch::Tensor& input) const {
  if (places_->first == 0) {
    return input;
  }
  return guard_.run(*trunk_.module(), input, [this](torch::Tensor hidden) {
    for (size_t i = 0; i < places_->first; ++i) {
      hidden = torch::nn::AnyModule(places_->steps[i].module).forward(hidden);
    }
    return hidden;
  });
}

torch::Tensor TaskLoRAImpl::finish(torch::Tensor hidden, int64_t task) const {
  const Changes& own = task_changes_[static_cast<size_t>(task)];
  size_t change = 0;
  for (size_t i = places_->first; i < places_->steps.size(); ++i) {
    const auto& step = places_->steps[i];
    if (step.changes_output) {
      const auto& layer = step.adapted.front().layer;
      torch::Tensor output = layer.forward(hidden);
      if (!shared_changes_.empty()) {
        output = output + layer.changed(hidden, *shared_changes_[change]);
      }
      hidden = output + layer.changed(hidden, *own[change]);
    } else if (i == places_->first) {
      // Other tasks see what it is given, too.
      hidden = first_guard_.run(
          *step.module.ptr(), hidden, [&](const torch::Tensor& given) {
            return with_changed_weights(i, given, own, change);
          });
    } else {
      hidden = with_changed_weights(i, hidden, own, change);
    }
    change += step.adapted.size();
  }
  return hidden;
}

torch::Tensor TaskLoRAImpl::with_changed_weights(
    size_t place,
    const torch::Tensor& hidden,
    const Changes& own,
    size_t change) const {
  const auto& step = places_->steps[place];
  torch::nn::AnyModule module(step.module);
  if (step.adapted.empty()) {
    return module.forward(hidden);
  }
  const std::lock_guard<std::mutex> lock(places_->mutex);
  detail::ChangedWeights changed;
  for (const auto& adapted : step.adapted) {
    if (!shared_changes_.empty()) {
      changed.add(adapted.layer, *shared_changes_[change]);
    }
    changed.add(adapted.layer, *own[change]);
    ++change;
  }
  return module.forward(hidden);
}

std::vector<torch::Tensor> TaskLoRAImpl::features(
    const torch::Tensor& input, int64_t tasks) {
  detail::check_all_tasks(*this, tasks);
  std::vector<torch::Tensor> all;
  try {
    const torch::Tensor common = start(input);
    for (int64_t task = 0; task < tasks; ++task) {
      all.push_back(finish(common, task));
    }
  } catch (const c10::Error&) {
    detail::rethrow_with(c10::str(
        "TaskLoRA: the trunk cannot take an input of shape ",
        input.sizes(),
        ": "));
  }
  return all;
}

torch::Tensor TaskLoRAImpl::features_of(
    const torch::Tensor& input, int64_t task) {
  detail::task_place(*this, task);
  try {
    return finish(start(input), task);
  } catch (const c10::Error&) {
    detail::rethrow_with(c10::str(
        "TaskLoRA: the trunk cannot take an input of shape ",
        input.sizes(),
        ": "));
  }
}

std::vector<torch::Tensor> TaskLoRAImpl::task_parameters(int64_t task) const {
  std::vector<std::vector<torch::Tensor>> lists;
  for (const auto& change : task_changes_[detail::task_place(*this, task)]) {
    lists.push_back(change->parameters());
  }
  return detail::joined(lists);
}

std::vector<torch::Tensor> TaskLoRAImpl::used_parameters(int64_t task) const {
  return detail::joined(
      {trunk_.module()->parameters(),
       shared_->parameters(),
       task_parameters(task)});
}

torch::nn::Sequential TaskLoRAImpl::merge(const std::string& task) const {
  const auto found = std::find(tasks().begin(), tasks().end(), task);
  TORCH_CHECK_VALUE(
      found != tasks().end(),
      "TaskLoRA: there is no task '",
      task,
      "'; there is ",
      tasks().empty() ? "none" : detail::quoted(tasks()),
      ".");
  const auto& own = task_changes_[static_cast<size_t>(found - tasks().begin())];
  const Network copy = trunk_.clone();
  detail::complete_clone(*trunk_.module(), *copy.module());
  auto merged = copy.as<torch::nn::Sequential>();
  size_t change = 0;
  for (const auto& [place, layer] :
       detail::LoRAPlaces(merged, options_.adapts()).all()) {
    if (!shared_changes_.empty()) {
      layer.add_to_weight(*shared_changes_[change]);
    }
    layer.add_to_weight(*own[change]);
    ++change;
  }
  return merged;
}

std::shared_ptr<torch::nn::Module> TaskLoRAImpl::clone(
    const std::optional<torch::Device>& device) const {
  const Network trunk = trunk_.clone(device);
  // Places of layers are their names, which a clone has lost.
  detail::complete_clone(*trunk_.module(), *trunk.module());
  auto copy = std::make_shared<TaskLoRAImpl>(
      trunk.as<torch::nn::Sequential>(), options_);
  copy->serve(tasks());
  detail::copy_state(*shared_, *copy->shared_, device);
  detail::copy_state(*by_task_, *copy->by_task_, device);
  detail::complete_clone(*this, *copy);
  return copy;
}

void TaskLoRAImpl::pretty_print(std::ostream& stream) const {
  stream << std::boolalpha << "polytask::TaskLoRA(rank=" << options_.rank()
         << ", adapted=" << adapted().size()
         << ", freezes_trunk=" << options_.freezes_trunk() << ")"
         << std::noboolalpha;
}

} // namespace polytask
