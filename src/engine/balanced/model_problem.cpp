// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "model_problem.h"

#include <ATen/TensorOperators.h>
#include <torch/csrc/autograd/autograd.h>

#include <optional>
#include <utility>

#include "core/host_value.h"
#include "core/tensor_sets.h"

#include "../features.h"
#include "cut_heads.h"
#include "vectors.h"

namespace polytask::detail {

namespace {

// Those of `tensors` that are among `others`, by identity.
std::vector<torch::Tensor> those_among(
    const std::vector<torch::Tensor>& tensors,
    const std::vector<torch::Tensor>& others) {
  return without(tensors, without(tensors, others));
}

std::vector<torch::Tensor> clones_of(
    const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> clones;
  for (const auto& tensor : tensors) {
    clones.push_back(tensor.detach().clone());
  }
  return clones;
}

void copy_back(
    const std::vector<torch::Tensor>& saved,
    std::vector<torch::Tensor>& tensors) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < saved.size(); ++i) {
    tensors[i].copy_(saved[i]);
  }
}

} // namespace

ModelProblem::ModelProblem(const StepContext& context, Side inner, Side outer)
    : context_(context),
      inner_(std::move(inner)),
      outer_(std::move(outer)),
      parameters_(context.plan().trained()),
      buffers_(context.plan().buffers()),
      saved_buffers_(clones_of(buffers_)) {
  TORCH_CHECK_VALUE(
      !parameters_.empty(),
      "training: the balancing '",
      context.options.balancing()->name(),
      "' has nothing to move: no parameter of the model is trained by the "
      "optimizer.");
}

int64_t ModelProblem::tasks() const {
  return static_cast<int64_t>(inner_.tasks.size());
}

// The losses times their tasks' weights, with their graph unless gradients are
// off, and their values.
std::vector<torch::Tensor> ModelProblem::forward(
    Data data, math::Vector& values) {
  const Side& side = data == Data::kInner ? inner_ : outer_;
  const auto plain = losses_of(context_, side.tasks, side.share_input);
  TORCH_CHECK_VALUE(
      !context_.own_loss->value().defined(),
      "training: the sharing '",
      context_.model->sharing().name(),
      "' has a loss of its own, for which the balancing '",
      context_.options.balancing()->name(),
      "' has no place.");
  std::vector<torch::Tensor> losses;
  for (size_t i = 0; i < side.tasks.size(); ++i) {
    const HeadStep& step = side.tasks[i];
    const auto here = host_value(plain[i]);
    const double value = here ? *here : plain[i].item<double>();
    context_.check_loss(step.task, value);
    values.push_back(value * step.weight);
    losses.push_back(step.weight == 1 ? plain[i] : plain[i] * step.weight);
  }
  if (data == Data::kInner && !has_moved_ && !inner_losses_.defined()) {
    inner_losses_ = torch::stack(plain).detach();
    inner_buffers_ = clones_of(buffers_);
  }
  return losses;
}

void ModelProblem::write_gradient(
    const torch::Tensor& value, torch::Tensor row, bool keep) const {
  if (!value.requires_grad()) {
    return;
  }
  const auto gradients = torch::autograd::grad(
      {value},
      parameters_,
      {},
      /*retain_graph=*/keep,
      /*create_graph=*/false,
      /*allow_unused=*/true);
  write_flat(gradients, parameters_, std::move(row));
}

math::Vector ModelProblem::losses(Data data) {
  torch::NoGradGuard no_grad;
  math::Vector values;
  forward(data, values);
  return values;
}

balancing::BilevelProblem::Rows ModelProblem::gradients(Data data) {
  torch::AutoGradMode grad_mode(true);
  Rows rows;
  const auto losses = forward(data, rows.losses);
  rows.gradients = torch::zeros(
      {tasks(), count_elements(parameters_)}, options_of(parameters_));
  for (size_t i = 0; i < losses.size(); ++i) {
    write_gradient(
        losses[i],
        rows.gradients.select(0, static_cast<int64_t>(i)),
        i + 1 < losses.size());
  }
  return rows;
}

balancing::BilevelProblem::Sum ModelProblem::gradient(
    Data data, const math::Vector& weights) {
  torch::AutoGradMode grad_mode(true);
  Sum sum;
  const auto losses = forward(data, sum.losses);
  torch::Tensor total = losses[0] * weights[0];
  for (size_t i = 1; i < losses.size(); ++i) {
    total = total + losses[i] * weights[i];
  }
  sum.gradient =
      torch::zeros({count_elements(parameters_)}, options_of(parameters_));
  write_gradient(total, sum.gradient, /*keep=*/false);
  return sum;
}

void ModelProblem::move(double step, const at::Tensor& direction) {
  torch::NoGradGuard no_grad;
  if (saved_parameters_.empty()) {
    saved_parameters_ = clones_of(parameters_);
  }
  has_moved_ = true;
  int64_t offset = 0;
  for (auto& parameter : parameters_) {
    const auto count = parameter.numel();
    parameter.add_(
        direction.narrow(0, offset, count).view(parameter.sizes()), step);
    offset += count;
  }
}

void ModelProblem::put_back() {
  if (has_moved_) {
    copy_back(saved_parameters_, parameters_);
    has_moved_ = false;
  }
}

void ModelProblem::undo() {
  put_back();
  copy_back(saved_buffers_, buffers_);
}

void ModelProblem::keep_inner_buffers() {
  copy_back(inner_buffers_, buffers_);
}

double ModelProblem::learning_rate() const {
  std::optional<double> rate;
  for (const auto& group : context_.optimizer->param_groups()) {
    if (those_among(parameters_, group.params()).empty()) {
      continue;
    }
    const double own = group.options().get_lr();
    TORCH_CHECK_VALUE(
        !rate || *rate == own,
        "training: the balancing '",
        context_.options.balancing()->name(),
        "' expected one learning rate for all parameters, but the optimizer "
        "has ",
        *rate,
        " and ",
        own,
        "; give it its own as model_lr.");
    rate = own;
  }
  return rate.value();
}

} // namespace polytask::detail
