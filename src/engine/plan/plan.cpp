// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "plan.h"

#include "core/tensor_sets.h"

namespace polytask::detail {

std::vector<torch::Tensor> held_by(const torch::optim::Optimizer& optimizer) {
  std::vector<torch::Tensor> all;
  for (const auto& group : optimizer.param_groups()) {
    all.insert(all.end(), group.params().begin(), group.params().end());
  }
  return all;
}

std::vector<torch::Tensor> trained(std::vector<torch::Tensor> parameters) {
  std::erase_if(parameters, [](const auto& parameter) {
    return !parameter.requires_grad();
  });
  return parameters;
}

Plan::Plan(
    const MultiTaskModel& model,
    const torch::optim::Optimizer& optimizer,
    const Tensors& learned)
    : structure_version_(model->structure_version()),
      identity_(model, optimizer),
      parameters_(model->unique_parameters()),
      held_(held_by(optimizer)),
      left_out_(without(parameters_, held_)),
      foreign_(without(without(held_, parameters_), learned)),
      buffers_(unique_tensors(model->buffers())),
      modules_(model->modules()),
      names_(model->task_names()),
      sharing_(&model->sharing()),
      has_tied_modules_(
          model->parameters().size() != parameters_.size() ||
          model->buffers().size() != buffers_.size()) {
  for (int64_t task = 0; task < model->size(); ++task) {
    tasks_.push_back(model->task(task));
  }
  sort_parameters(model);
}

void Plan::sort_parameters(const MultiTaskModel& model) {
  const TensorSet left_out(left_out_);
  for (const auto& parameter : detail::trained(parameters_)) {
    if (!left_out.has(parameter)) {
      trained_.push_back(parameter);
    }
  }
  const Tensors shared = model->shared_parameters();
  for (const auto& parameter : detail::trained(shared)) {
    (left_out.has(parameter) ? unheld_ : shared_).push_back(parameter);
  }
  const TensorSet in_common(shared);
  const auto note = [this](const Tensors& parameters, int64_t owner) {
    for (const auto& parameter : parameters) {
      owners_.emplace(parameter.unsafeGetTensorImpl(), owner);
    }
  };
  note(shared_, kShared);
  for (int64_t task = 0; task < model->size(); ++task) {
    OfTask& place = of_tasks_.emplace_back();
    for (const auto& gate : unique_tensors(
             detail::trained(model->sharing().task_parameters(task)))) {
      if (!in_common.has(gate)) {
        place.gates.push_back(gate);
      }
    }
    has_gates_ = has_gates_ || !place.gates.empty();
    const Tensors head = model->task(task).head().module()->parameters();
    for (const auto& parameter : without(detail::trained(head), place.gates)) {
      if (!in_common.has(parameter)) {
        place.own.push_back(parameter);
      }
    }
    note(place.gates, kGate);
    note(place.own, task);
  }
}

} // namespace polytask::detail
