// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "normal_equations.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "loss_in.h"
#include "sgd_state.h"

namespace polytask::detail {

namespace {

// What `storage_` holds of an output.
enum Coordinates { kDistance, kSlope, kReference, kMomentum, kKinds };

template <typename Scalar>
void append(
    const torch::Tensor& tensor,
    int64_t from,
    int64_t count,
    std::vector<double>& to) {
  const auto* data = tensor.const_data_ptr<Scalar>() + from;
  to.insert(to.end(), data, data + count);
}

// The row of weights and the bias of an output, in double.
void append_row(
    const torch::Tensor& weight,
    const torch::Tensor& bias,
    int64_t output,
    std::vector<double>& to) {
  const int64_t width = weight.size(1);
  const bool is_float = weight.scalar_type() == at::kFloat;
  is_float ? append<float>(weight, output * width, width, to)
           : append<double>(weight, output * width, width, to);
  if (bias.defined()) {
    is_float ? append<float>(bias, output, 1, to)
             : append<double>(bias, output, 1, to);
  }
}

template <typename Scalar>
void write_row_as(
    const std::vector<double>& row,
    int64_t output,
    const torch::Tensor& weight,
    const torch::Tensor& bias) {
  const int64_t width = weight.size(1);
  auto* to = weight.data_ptr<Scalar>() + output * width;
  for (int64_t i = 0; i < width; ++i) {
    to[i] = static_cast<Scalar>(row[static_cast<size_t>(i)]);
  }
  if (bias.defined()) {
    bias.data_ptr<Scalar>()[output] =
        static_cast<Scalar>(row[static_cast<size_t>(width)]);
  }
}

void write_row(
    const std::vector<double>& row,
    int64_t output,
    const torch::Tensor& weight,
    const torch::Tensor& bias) {
  weight.scalar_type() == at::kFloat
      ? write_row_as<float>(row, output, weight, bias)
      : write_row_as<double>(row, output, weight, bias);
}

} // namespace

NormalEquations::NormalEquations(
    const LinearHeads& heads, c10::ArrayRef<HeadStep> steps) {
  std::vector<Group> groups;
  for (const HeadStep& step : steps) {
    const LinearLayer& layer = heads.layer(step.task);
    tasks_.push_back(
        {layer,
         outputs_.size(),
         step.weight,
         step.labels->present(),
         0,
         false,
         false});
    for (int64_t o = 0; o < layer.outputs; ++o) {
      Group& group = group_of(groups, step, layer.has_bias());
      group.outputs.push_back(outputs_.size());
      group.targets.push_back({step.labels->target(), o});
      append_row(*layer.weight, *layer.bias, o, group.parameters);
      outputs_.emplace_back().column.scale =
          2 / static_cast<double>(step.labels->present());
    }
  }
  bases_.reserve(groups.size());
  for (Group& group : groups) {
    add(group);
  }
  for (TaskPart& task : tasks_) {
    task.loss = loss_now(task);
  }
}

// Outputs with all labels share the basis of their input; one that misses
// labels has its own.
NormalEquations::Group& NormalEquations::group_of(
    std::vector<Group>& groups, const HeadStep& step, bool has_bias) {
  if (step.labels->is_complete()) {
    for (Group& group : groups) {
      if (!group.has_missing && group.has_bias == has_bias &&
          group.input->is_same(*step.input)) {
        return group;
      }
    }
  }
  Group& group = groups.emplace_back();
  group.input = step.input;
  group.has_bias = has_bias;
  group.has_missing = !step.labels->is_complete();
  return group;
}

void NormalEquations::add(Group& group) {
  const Eigenbasis& basis = bases_.emplace_back(
      group.input->contiguous(),
      group.has_bias,
      std::move(group.targets),
      group.has_missing);
  const auto modes = static_cast<size_t>(basis.modes());
  const auto start = basis.to_modes(group.parameters);
  const auto reference = basis.least_squares(start);
  std::vector<double> losses;
  std::vector<double> gradients;
  basis.evaluate(basis.to_parameters(reference), losses, gradients);
  const auto slopes = basis.to_modes(gradients);
  for (size_t c = 0; c < group.outputs.size(); ++c) {
    Output& output = outputs_[group.outputs[c]];
    const double scale = output.column.scale;
    auto& storage = output.storage;
    storage.resize(kKinds * modes);
    for (size_t j = 0; j < modes; ++j) {
      const size_t at = c * modes + j;
      storage[kDistance * modes + j] = start[at] - reference[at];
      storage[kSlope * modes + j] = scale * slopes[at];
      storage[kReference * modes + j] = reference[at];
    }
    output.basis = bases_.size() - 1;
    output.reference_loss = scale / 2 * losses[c];
    output.column = {
        basis.modes(),
        basis.curvature(),
        &storage[kSlope * modes],
        &storage[kReference * modes],
        &storage[kDistance * modes],
        nullptr,
        scale};
  }
}

double NormalEquations::loss_now(const TaskPart& task) const {
  double loss = 0;
  for (int64_t o = 0; o < task.layer.outputs; ++o) {
    const Output& output = outputs_[task.first + static_cast<size_t>(o)];
    loss += output.reference_loss + modes_loss(output.column);
  }
  return loss;
}

double NormalEquations::loss(size_t place) const {
  const TaskPart& task = tasks_[place];
  // Near 0 the sum may round to below it.
  return loss_in(
      task.layer.weight->scalar_type(),
      task.loss < 0 ? 0 : task.loss,
      task.labels);
}

bool NormalEquations::is_finite() const {
  for (const TaskPart& task : tasks_) {
    if (!std::isfinite(task.loss)) {
      return false;
    }
  }
  return true;
}

int64_t NormalEquations::count_bases(
    const LinearHeads& heads, c10::ArrayRef<HeadStep> steps) {
  std::set<std::pair<const void*, bool>> complete;
  int64_t incomplete = 0;
  for (const HeadStep& step : steps) {
    const LinearLayer& layer = heads.layer(step.task);
    if (step.labels->is_complete()) {
      complete.emplace(step.input->unsafeGetTensorImpl(), layer.has_bias());
    } else {
      incomplete += layer.outputs;
    }
  }
  return static_cast<int64_t>(complete.size()) + incomplete;
}

void NormalEquations::step(
    size_t place, const torch::optim::SGDOptions& options) {
  TaskPart& task = tasks_[place];
  const bool has_momentum = options.momentum() != 0;
  const ModeUpdate update{
      task.weight,
      options.lr(),
      options.weight_decay(),
      options.momentum(),
      options.dampening(),
      options.nesterov(),
      has_momentum && !task.has_momentum};
  double loss = 0;
  for (int64_t o = 0; o < task.layer.outputs; ++o) {
    Output& output = outputs_[task.first + static_cast<size_t>(o)];
    const auto modes = static_cast<size_t>(output.column.modes);
    output.column.momentum =
        has_momentum ? &output.storage[kMomentum * modes] : nullptr;
    loss += output.reference_loss + step_modes(output.column, update);
  }
  task.loss = loss;
  task.has_momentum |= has_momentum;
  task.moved = true;
}

void NormalEquations::write(torch::optim::Optimizer& optimizer) const {
  for (const TaskPart& task : tasks_) {
    if (task.moved) {
      write_parameters(task);
      if (task.has_momentum) {
        write_momentum(task, optimizer);
      }
    }
  }
}

void NormalEquations::write_parameters(const TaskPart& task) const {
  for (int64_t o = 0; o < task.layer.outputs; ++o) {
    const Output& output = outputs_[task.first + static_cast<size_t>(o)];
    const auto modes = static_cast<size_t>(output.column.modes);
    std::vector<double> position(modes);
    for (size_t j = 0; j < modes; ++j) {
      position[j] = output.column.reference[j] + output.column.u[j];
    }
    write_row(
        bases_[output.basis].to_parameters(position),
        o,
        *task.layer.weight,
        *task.layer.bias);
  }
  task.layer.weight->unsafeGetTensorImpl()->bump_version();
  if (task.layer.has_bias()) {
    task.layer.bias->unsafeGetTensorImpl()->bump_version();
  }
}

void NormalEquations::read_momentum(torch::optim::Optimizer& optimizer) {
  for (TaskPart& task : tasks_) {
    const auto& [weight, bias] = std::pair(
        momentum_of(optimizer, *task.layer.weight),
        task.layer.has_bias() ? momentum_of(optimizer, *task.layer.bias)
                              : torch::Tensor());
    task.has_momentum = weight.defined();
    for (int64_t o = 0; task.has_momentum && o < task.layer.outputs; ++o) {
      Output& output = outputs_[task.first + static_cast<size_t>(o)];
      std::vector<double> row;
      append_row(weight, bias, o, row);
      const auto modes = bases_[output.basis].to_modes(row);
      std::copy(
          modes.begin(),
          modes.end(),
          output.storage.begin() +
              static_cast<int64_t>(kMomentum) * output.column.modes);
    }
  }
}

void NormalEquations::write_momentum(
    const TaskPart& task, torch::optim::Optimizer& optimizer) const {
  const torch::Tensor weight = torch::empty_like(task.layer.weight->detach());
  const torch::Tensor bias = task.layer.has_bias()
      ? torch::empty_like(task.layer.bias->detach())
      : torch::Tensor();
  for (int64_t o = 0; o < task.layer.outputs; ++o) {
    const Output& output = outputs_[task.first + static_cast<size_t>(o)];
    const auto from = output.storage.begin() +
        static_cast<int64_t>(kMomentum) * output.column.modes;
    write_row(
        bases_[output.basis].to_parameters({from, from + output.column.modes}),
        o,
        weight,
        bias);
  }
  set_momentum(optimizer, *task.layer.weight, weight);
  if (bias.defined()) {
    set_momentum(optimizer, *task.layer.bias, bias);
  }
}

} // namespace polytask::detail
