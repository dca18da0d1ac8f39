// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/engine.h>

#include <torch/optim/lbfgs.h>

#include <cmath>
#include <utility>

#include <polytask/core/check.h>
#include <polytask/core/host_value.h>
#include <polytask/model/parameters.h>
#include <polytask/optim/make_optimizer.h>

namespace polytask {

namespace {

void check_rate(const std::string& whose, const std::optional<double>& rate) {
  TORCH_CHECK_VALUE(
      !rate || (std::isfinite(*rate) && *rate >= 0),
      "learning_rates: expected a finite rate of at least 0 for ",
      whose,
      ", but got ",
      rate.value_or(0),
      ".");
}

std::vector<optim::ParameterGroup> parameter_groups(
    const MultiTaskModel& model, const LearningRates& rates) {
  if (rates.empty()) {
    return {{model->unique_parameters(), std::nullopt}};
  }
  check_rate("what tasks share", rates.shared());
  std::vector<optim::ParameterGroup> groups;
  groups.push_back({model->shared_parameters(), rates.shared()});
  for (const auto& name : model->task_names()) {
    groups.push_back({model->task_parameters(name), std::nullopt});
  }
  for (const auto& [name, rate] : rates.tasks()) {
    auto& own = groups[static_cast<size_t>(model->index(name)) + 1];
    TORCH_CHECK_VALUE(
        !own.learning_rate,
        "learning_rates: task '",
        name,
        "' has more than one rate.");
    check_rate(c10::str("task '", name, "'"), rate);
    own.learning_rate = rate;
  }
  return groups;
}

const MultiTaskModel& checked_model(const MultiTaskModel& model) {
  TORCH_CHECK_VALUE(!model.is_empty(), "training: the model is empty.");
  TORCH_CHECK_VALUE(
      model->size() > 0,
      "training: the model has no task; add_task comes before training.");
  return model;
}

} // namespace

Engine::Engine(
    MultiTaskModel model,
    const torch::optim::OptimizerOptions& optimizer,
    EngineOptions options)
    : model_(checked_model(model)),
      own_optimizer_(optim::make_optimizer(
          parameter_groups(model_, options.learning_rates()), optimizer)),
      optimizer_(own_optimizer_.get()),
      options_(std::move(options)) {
  bind();
}

Engine::Engine(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    EngineOptions options)
    : model_(checked_model(model)),
      optimizer_(&optimizer),
      options_(std::move(options)) {
  TORCH_CHECK_VALUE(
      dynamic_cast<torch::optim::LBFGS*>(&optimizer) == nullptr,
      "training: LBFGS is not supported: it needs a closure and moves "
      "parameters that have no gradient.");
  TORCH_CHECK_VALUE(
      options_.learning_rates().empty(),
      "training: learning_rates come with optimizer options; set those of your "
      "own optimizer in its parameter groups.");
  bind();
}

void Engine::bind() {
  parameters_ = model_->unique_parameters();
  TORCH_CHECK_VALUE(
      !parameters_.empty(), "training: the model has no parameter.");
  std::vector<torch::Tensor> optimized;
  for (const auto& group : optimizer_->param_groups()) {
    optimized.insert(
        optimized.end(), group.params().begin(), group.params().end());
  }
  left_out_ = detail::without(parameters_, optimized);
  tasks_ = model_->size();
}

template <typename Visit>
void Engine::for_each_part(const Batch& batch, Visit&& visit) const {
  TORCH_CHECK_VALUE(
      model_->size() == tasks_,
      "training: the model was given a task after this training was made; make "
      "a new one.");
  const auto& names = model_->task_names();
  size_t place = 0;
  for (const auto& part : batch.parts()) {
    // Batches mostly list the tasks in the model's order.
    if (place >= names.size() || names[place] != part.task) {
      place = static_cast<size_t>(model_->index(part.task));
    }
    visit(place++, part);
  }
}

Engine::Parts Engine::parts_by_task(const Batch& batch) const {
  Parts parts(static_cast<size_t>(model_->size()), nullptr);
  for_each_part(batch, [&](size_t task, const Batch::Part& part) {
    parts[task] = &part;
  });
  return parts;
}

void Engine::check_tasks(const Batch& batch) const {
  for_each_part(batch, [](size_t, const Batch::Part&) {});
}

void Engine::check_input(const torch::Tensor& input) const {
  const torch::Tensor& own = parameters_.front();
  TORCH_CHECK_VALUE(
      input.device() == own.device(),
      "training: the batch is on ",
      input.device(),
      ", but the model on ",
      own.device(),
      ".");
  TORCH_CHECK_VALUE(
      !input.is_floating_point() || input.scalar_type() == own.scalar_type(),
      "training: expected an input of dtype ",
      own.scalar_type(),
      " like the model's parameters, but got ",
      input.scalar_type(),
      ".");
}

void Engine::check_loss(int64_t task, const torch::Tensor& loss) const {
  if (!options_.check_losses()) {
    return;
  }
  const auto value = detail::host_value(loss);
  TORCH_CHECK_VALUE(
      !value || std::isfinite(*value),
      "Task '",
      model_->task_names()[static_cast<size_t>(task)],
      "': the loss is ",
      value.value_or(0),
      "; the step is not taken and the parameters are as they were.");
}

bool Engine::takes_part(int64_t task, const Labels& labels) const {
  const Task& own = model_->task(task);
  return own.weight() != 0 && own.loss().has_label(labels);
}

void Engine::add_loss(
    WeightedLosses& losses,
    int64_t task,
    const torch::Tensor& features,
    const Labels& labels) const {
  torch::Tensor loss = model_->loss(task, features, labels);
  check_loss(task, loss);
  losses.add(task, model_->task(task).weight(), std::move(loss));
}

void Engine::reset_gradients() {
  optimizer_->zero_grad();
  for (auto& parameter : left_out_) {
    parameter.mutable_grad().reset();
  }
}

void Engine::update(const torch::Tensor& total) {
  // Nothing to learn: no task took part, or all it uses is frozen.
  if (!total.defined() || !total.requires_grad()) {
    return;
  }
  total.backward();
  if (options_.clipping()) {
    std::vector<torch::Tensor> gradients;
    for (const auto& group : optimizer_->param_groups()) {
      for (const auto& parameter : group.params()) {
        gradients.push_back(parameter.grad());
      }
    }
    options_.clipping().apply(gradients);
  }
  optimizer_->step();
}

StepReport Engine::joint_step(const Batch& batch) {
  const Parts parts = parts_by_task(batch);
  reset_gradients();
  std::vector<torch::Tensor> features;
  if (batch.shares_input()) {
    check_input(batch.input());
  }
  WeightedLosses losses(model_->size());
  for (int64_t task = 0; task < model_->size(); ++task) {
    const Batch::Part* part = parts[static_cast<size_t>(task)];
    if (!part || !takes_part(task, part->labels)) {
      continue;
    }
    if (!batch.shares_input()) {
      check_input(part->input);
      const auto own = model_->sharing().features_of(part->input, task);
      add_loss(losses, task, own, part->labels);
      continue;
    }
    if (features.empty()) {
      features = model_->sharing().features(batch.input(), model_->size());
    }
    add_loss(losses, task, features[static_cast<size_t>(task)], part->labels);
  }
  update(losses.total());
  return losses.report();
}

StepReport Engine::task_step(
    const Batch& batch, int64_t task, const StepObserver& before_update) {
  const Batch::Part& part =
      batch.part(model_->task_names()[static_cast<size_t>(task)]);
  check_tasks(batch);
  reset_gradients();
  check_input(part.input);
  WeightedLosses losses(model_->size());
  if (takes_part(task, part.labels)) {
    const auto features = model_->sharing().features_of(part.input, task);
    add_loss(losses, task, features, part.labels);
  }
  StepReport report = losses.report();
  report.task = part.task;
  if (before_update) {
    before_update(report);
  }
  update(losses.total());
  return report;
}

} // namespace polytask
