// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "step_context.h"

#include <torch/nn/modules/embedding.h>
#include <torch/optim/lbfgs.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <polytask/optim/make_optimizer.h>
#include "autocast.h"
#include "balancing/task_labels.h"
#include "core/check.h"
#include "core/tensor_sets.h"
#include "optim/optimizer_kind.h"

#include "plan/plan_checks.h"

namespace polytask::detail {

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
    const MultiTaskModel& model, const EngineOptions& options) {
  std::vector<optim::ParameterGroup> groups;
  const LearningRates& rates = options.learning_rates();
  if (rates.empty()) {
    groups.push_back({model->unique_parameters()});
  } else {
    check_rate("what tasks share", rates.shared());
    groups.push_back({model->shared_parameters(), rates.shared()});
    for (auto& own : model->parameters_by_task()) {
      groups.push_back({std::move(own)});
    }
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
  // Last, so that the model's groups are the same with and without a method;
  // its numbers are no weights, which decay is for.
  if (options.balancing()) {
    const balancing::detail::TaskLabels labels(model->task_names());
    options.balancing()->prepare(model->size());
    groups.push_back(
        {options.balancing()->parameters(), std::nullopt, /*decays=*/false});
  }
  return groups;
}

void check_model(const MultiTaskModel& model) {
  TORCH_CHECK_VALUE(!model.is_empty(), "training: the model is empty.");
  TORCH_CHECK_VALUE(
      model->size() > 0,
      "training: the model has no task; add_task comes before training.");
}

void refuse_sparse(const std::string& whose, const StepContext& context) {
  const auto& method = context.options.balancing();
  std::string why = method ? "the balancing '" + method->name() +
          "' combines dense ones; switch sparse off"
      : context.options.clipping()
      ? "clipping takes none; switch sparse off"
      : optim::detail::sparse_obstacle(*context.optimizer);
  if (!why.empty() && !method && !context.options.clipping()) {
    why +=
        ". Plain SGD, Adagrad and RowWiseAdagrad take it; else switch sparse "
        "off";
  }
  TORCH_CHECK_VALUE(
      why.empty(),
      "training: the gradient of ",
      whose,
      " is sparse, but ",
      why,
      ".");
}

} // namespace

StepContext::StepContext(
    MultiTaskModel given,
    const torch::optim::OptimizerOptions& optimizer_options,
    EngineOptions engine_options)
    : model(std::move(given)),
      options(std::move(engine_options)),
      peers(options.communicator()),
      own_tasks(options.task_owners()) {
  begin([&] {
    own_optimizer = optim::make_optimizer(
        parameter_groups(model, options), optimizer_options);
    optimizer = own_optimizer.get();
  });
}

StepContext::StepContext(
    MultiTaskModel given,
    torch::optim::Optimizer& users,
    EngineOptions engine_options)
    : model(std::move(given)),
      optimizer(&users),
      options(std::move(engine_options)),
      peers(options.communicator()),
      own_tasks(options.task_owners()) {
  begin([&] {
    TORCH_CHECK_VALUE(
        dynamic_cast<torch::optim::LBFGS*>(&users) == nullptr,
        "training: LBFGS is not supported: it needs a closure and moves "
        "parameters that have no gradient.");
    TORCH_CHECK_VALUE(
        options.learning_rates().empty(),
        "training: learning_rates come with optimizer options; set those of "
        "your own optimizer in its parameter groups.");
  });
  warn_of_untrained(model, plan());
}

template <typename Choose>
void StepContext::begin(const Choose& choose_optimizer) {
  peers.sum_after(0, [&](std::vector<double>&) {
    check_model(model);
    choose_optimizer();
    bind();
    own_tasks.bind(model, plan(), peers);
    TORCH_CHECK_VALUE(
        own_tasks.are_all() || !options.grad_scaler(),
        "training: task_owners do not go with a grad_scaler.");
    TORCH_CHECK_VALUE(
        options.check_ranks_every() >= 0,
        "training: expected check_ranks_every of at least 0, but got ",
        options.check_ranks_every(),
        ".");
  });
  peers.begin(model, method_name());
  own_tasks.join(model, options.communicator());
}

std::string StepContext::method_name() const {
  return own_tasks.description() +
      (options.balancing() ? options.balancing()->name() : "sum");
}

double StepContext::mark_of_trained() const {
  constexpr int64_t kRange = 1 << 20; // whose square a double holds
  auto mark = static_cast<int64_t>(
      plan().trained().size() + 31 * plan().shared().size());
  for (const auto& parameter : plan().trained()) {
    mark = (31 * mark + parameter.numel()) % kRange;
  }
  return static_cast<double>(mark);
}

void StepContext::bind() {
  may_refuse_sparse_ =
      options.clipping() || !optim::detail::sparse_obstacle(*optimizer).empty();
  if (options.balancing()) {
    const balancing::detail::TaskLabels labels(model->task_names());
    options.balancing()->prepare(model->size());
    method_parameters = options.balancing()->parameters();
  }
  plan_.emplace(model, *optimizer, method_parameters);
  TORCH_CHECK_VALUE(
      !plan().parameters().empty(), "training: the model has no parameter.");
  check_sparse_modules();
  refuse_double_steps(model, plan());
  if (options.balancing()) {
    TORCH_CHECK_VALUE(
        without(method_parameters, plan().held()).empty(),
        "training: the balancing '",
        options.balancing()->name(),
        "' has parameters that your optimizer lacks; prepare(",
        model->size(),
        ") it, add its parameters() and hand it over as shared_balancing.");
  }
}

bool StepContext::refresh() {
  return refresh_but_heads() || refresh_if(!plan().has_heads(model));
}

bool StepContext::refresh_but_heads() {
  find_scale();
  return refresh_if(!plan().is_current(model, *optimizer));
}

bool StepContext::refresh_head(int64_t task) {
  return refresh_if(!plan().has_head(model, task));
}

bool StepContext::refresh_if(bool has_changed) {
  if (!has_changed) {
    return false;
  }
  Plan now(model, *optimizer, method_parameters);
  check_change(model, plan(), now);
  check_sparse_modules();
  refuse_double_steps(model, now);
  own_tasks.bind(model, now, peers);
  plan_ = std::move(now);
  return true;
}

void StepContext::find_scale() {
  if (const auto& scaler = options.grad_scaler()) {
    if (scaler->is_enabled() && !scaler->scale_tensor().defined()) {
      // The first call puts the scale on a device.
      scaler->scale(torch::ones({}, tensor_options().dtype(torch::kFloat)));
    }
    loss_scale_ = scaler->get_scale();
  }
}

// Before the first step; what own modules do shows in their gradients.
void StepContext::check_sparse_modules() const {
  for (const auto& entry : model->named_modules("", /*include_self=*/false)) {
    const auto* one = entry.value()->as<torch::nn::Embedding>();
    const auto* bag = entry.value()->as<torch::nn::EmbeddingBag>();
    if ((one && one->options.sparse()) || (bag && bag->options.sparse())) {
      refuse_sparse(
          "'" + entry.key() + "' (an embedding with sparse(true))", *this);
    }
  }
}

void StepContext::check_sparse_gradients() const {
  for (const auto& group : optimizer->param_groups()) {
    for (const auto& parameter : group.params()) {
      const torch::Tensor& gradient = parameter.grad();
      if (gradient.defined() && gradient.layout() != at::kStrided) {
        refuse_sparse(
            c10::str("a parameter of shape ", parameter.sizes()), *this);
      }
    }
  }
}

template <typename Visit>
void StepContext::for_each_part(const Batch& batch, const Visit& visit) const {
  const auto& names = model->task_names();
  size_t place = 0;
  for (const auto& part : batch.parts()) {
    // Batches mostly list the tasks in the model's order.
    if (place >= names.size() || names[place] != part.task) {
      place = static_cast<size_t>(model->index(part.task));
    }
    visit(static_cast<int64_t>(place++), part);
  }
}

void StepContext::check_inputs(const Inputs& inputs) const {
  if (inputs.is_tensor()) {
    check_input(inputs.tensor(), "");
    return;
  }
  inputs.for_each([this](const std::string& name, const torch::Tensor& input) {
    check_input(input, " '" + name + "'");
  });
}

void StepContext::check_input(
    const torch::Tensor& input, const std::string& which) const {
  const torch::Tensor& own = plan().parameters().front();
  TORCH_CHECK_VALUE(
      input.device() == own.device(),
      "training: the batch is on ",
      input.device(),
      ", but the model on ",
      own.device(),
      ".");
  TORCH_CHECK_VALUE(
      !input.is_floating_point() || input.scalar_type() == own.scalar_type(),
      "training: expected an input",
      which,
      " of dtype ",
      own.scalar_type(),
      " like the model's parameters, but got ",
      input.scalar_type(),
      ".");
}

bool StepContext::takes_part(const Batch::Part& part, const Task& task) const {
  return task.weight() != 0 && task.loss().has_label(part.labels);
}

// Before the model's buffers or anything else could change.
void StepContext::check_labels(const Batch::Part& part, const Task& task) {
  try {
    task.loss().function().check(part.labels);
  } catch (const c10::Error&) {
    rethrow_with("Task '" + part.task + "': ");
  }
}

void StepContext::find_takers(
    const Batch& batch, std::vector<bool>& takers) const {
  const auto size = static_cast<size_t>(model->size());
  takers.assign(size, true);
  // Those that the batch lacks, of which each may be drawn.
  for (size_t i = 0; batch.parts().size() < size && i < size; ++i) {
    takers[i] = model->task(static_cast<int64_t>(i)).weight() != 0;
  }
  for_each_part(batch, [&](int64_t task, const Batch::Part& part) {
    if (!takes_part(part, model->task(task))) {
      takers[static_cast<size_t>(task)] = false;
    }
  });
  for (size_t i = 0; i < size; ++i) {
    takers[i] = takers[i] && own_tasks.has(static_cast<int64_t>(i));
  }
}

void StepContext::add(
    const Batch::Part& part, int64_t task, HeadSteps& steps) const {
  const Task& own = model->task(task);
  if (own.weight() != 0) {
    check_labels(part, own);
  }
  if (takes_part(part, own)) {
    own_tasks.check(task, part.task);
    steps.push_back(
        {task,
         &part.input,
         &part.labels,
         own.weight(),
         &part.inputs,
         loss_scale_});
  }
}

void StepContext::collect(
    const Batch& batch, HeadSteps& steps, DueInputs* later) const {
  steps.clear();
  bool in_order = true;
  for_each_part(batch, [&](int64_t task, const Batch::Part& part) {
    in_order = in_order && (steps.empty() || steps.back().task < task);
    add(part, task, steps);
  });
  if (!in_order) {
    std::sort(steps.begin(), steps.end(), [](const auto& a, const auto& b) {
      return a.task < b.task;
    });
  }
  if (batch.shares_input()) {
    check_inputs(batch.inputs());
  } else {
    for (const HeadStep& step : steps) {
      check_inputs(*step.inputs);
    }
  }
  if (!InputLook::is_due_in(batch)) {
    return;
  }
  const bool are_all_read =
      batch.shares_input() || steps.size() == batch.parts().size();
  if (later == nullptr || steps.empty() || !are_all_read) {
    batch.check_input();
  } else {
    *later = InputLook::due_in(batch);
  }
}

void StepContext::collect(
    const Batch& batch,
    int64_t task,
    HeadSteps& steps,
    DueInputs* later) const {
  steps.clear();
  // Throws on a task that the model lacks.
  for_each_part(batch, [](int64_t, const Batch::Part&) {});
  // Batches mostly list the tasks in the model's order.
  const auto place = static_cast<size_t>(task);
  const Batch::Part& part =
      place < batch.parts().size() && batch.parts()[place].task == name(task)
      ? batch.parts()[place]
      : batch.part(name(task));
  check_inputs(part.inputs);
  add(part, task, steps);
  if (!InputLook::is_due_in(batch, part)) {
    return;
  }
  DueInputs due = InputLook::due_in(batch, part);
  if (later == nullptr || steps.empty()) {
    look_through(due);
  } else {
    *later = std::move(due);
  }
}

void StepContext::check_loss(int64_t task, std::optional<double> loss) const {
  TORCH_CHECK_VALUE(
      !options.check_losses() || !loss || std::isfinite(*loss),
      "Task '",
      name(task),
      "': the loss is ",
      std::isnan(loss.value_or(0)) ? "nan" : c10::str(loss.value_or(0)),
      "; the step is not taken and the parameters are as they were.");
}

const std::string& StepContext::name(int64_t task) const {
  return model->task_names()[static_cast<size_t>(task)];
}

void StepContext::reset_gradients() {
  optimizer->zero_grad();
  for (const auto& parameter : plan().left_out()) {
    parameter.mutable_grad().reset();
  }
}

void StepContext::update() {
  if (may_refuse_sparse_) {
    check_sparse_gradients();
  }
  const auto& scaler = options.grad_scaler();
  if (options.clipping()) {
    if (scaler && !scaler->is_unscaled(*optimizer)) {
      scaler->unscale_(*optimizer);
    }
    const auto clipped = without(plan().held(), method_parameters);
    std::vector<torch::Tensor> gradients;
    for (const auto& parameter : clipped) {
      gradients.push_back(parameter.grad());
    }
    options.clipping().apply(gradients, own_tasks.norm(clipped, peers));
  }
  if (scaler) {
    scaler->step(*optimizer);
    scaler->update();
  } else {
    optimizer->step();
  }
  if (is_autocast_on(plan().parameters().front().device().type())) {
    // It keeps the parameters as they were in the precision that it chose.
    at::autocast::clear_cache();
  }
  const int64_t every = options.check_ranks_every();
  if (every > 0 && ++updates_ % every == 0) {
    check_ranks();
  }
}

void StepContext::check_ranks() const {
  std::vector<std::string> names;
  std::vector<torch::Tensor> parameters;
  const TensorSet of_all(own_tasks.summed_by_all());
  for (const auto& entry : model->named_parameters()) {
    if (of_all.has(entry.value())) {
      names.push_back(entry.key());
      parameters.push_back(entry.value());
    }
  }
  const size_t other = peers.first_that_differs(parameters);
  TORCH_CHECK_VALUE(
      other == parameters.size(),
      "training: '",
      other < names.size() ? names[other] : "",
      "' is not the same on all ranks any more; somebody wrote to it on one. "
      "The step was taken.");
}

} // namespace polytask::detail
