// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "training/state_checks.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "core/check.h"

namespace polytask::detail {

namespace {

// In the order of `unique_parameters`, under the first name of each.
std::vector<std::string> names_of_parameters(const MultiTaskModel& model) {
  std::unordered_map<const c10::TensorImpl*, std::string> names;
  for (const auto& entry : model->named_parameters()) {
    names.emplace(entry.value().unsafeGetTensorImpl(), entry.key());
  }
  std::vector<std::string> described;
  for (const auto& parameter : model->unique_parameters()) {
    described.push_back(c10::str(
        names[parameter.unsafeGetTensorImpl()],
        ": ",
        parameter.scalar_type(),
        " ",
        parameter.sizes()));
  }
  return described;
}

std::string options_text(const balancing::Balancing& method) {
  std::ostringstream text;
  method.pretty_print(text);
  return text.str();
}

void check_kind(
    const std::string& what,
    const std::string& own,
    const std::string& stored) {
  TORCH_CHECK_VALUE(
      own == stored,
      "Training: expected a state with ",
      what,
      own.empty() ? std::string("none") : "'" + own + "'",
      ", but it has ",
      stored.empty() ? std::string("none") : "'" + stored + "'",
      ".");
}

} // namespace

void check_same_entries(
    const char* whose,
    const std::vector<std::string>& own,
    const std::vector<std::string>& stored) {
  const auto [mine, theirs] =
      std::mismatch(own.begin(), own.end(), stored.begin(), stored.end());
  TORCH_CHECK_VALUE(
      mine == own.end() && theirs == stored.end(),
      "Training: expected a state that has among ",
      whose,
      " ",
      mine == own.end() ? std::string("no more") : "'" + *mine + "'",
      ", but it has ",
      theirs == stored.end() ? std::string("no more") : "'" + *theirs + "'",
      " there.");
}

void check_state(const TrainingState& state, const std::string& strategy) {
  TORCH_CHECK_VALUE(
      state.version > 0,
      "Training: expected a state of version 1 or later, but it is of version ",
      state.version,
      ".");
  TORCH_CHECK_VALUE(
      state.version <= TrainingState::kVersion,
      "Training: the state is of version ",
      state.version,
      ", which a newer polytask wrote; this one reads up to version ",
      TrainingState::kVersion,
      ".");
  check_kind("the strategy ", strategy, state.strategy);
  TORCH_CHECK_VALUE(
      state.steps >= 0 && state.epochs >= 0,
      "Training: a state cannot have ",
      state.steps,
      " steps and ",
      state.epochs,
      " epochs.");
}

void describe_model(const MultiTaskModel& model, TrainingState& state) {
  state.tasks = model->task_names();
  state.weights.clear();
  for (int64_t task = 0; task < model->size(); ++task) {
    state.weights.push_back(std::as_const(*model).task(task).weight());
  }
  state.parameters = names_of_parameters(model);
  state.trained.clear();
  for (const auto& parameter : model->unique_parameters()) {
    state.trained.push_back(parameter.requires_grad());
  }
}

void check_model(const MultiTaskModel& model, const TrainingState& state) {
  TORCH_CHECK_VALUE(
      state.tasks == model->task_names(),
      "Training: expected the state of a model with the tasks ",
      quoted(model->task_names()),
      ", but it is of one with ",
      quoted(state.tasks),
      ".");
  check_same_entries(
      "the model's parameters", names_of_parameters(model), state.parameters);
  TORCH_CHECK_VALUE(
      state.weights.size() == state.tasks.size() &&
          state.trained.size() == state.parameters.size() &&
          std::all_of(
              state.weights.begin(),
              state.weights.end(),
              [](double weight) {
                return std::isfinite(weight) && weight >= 0;
              }),
      "Training: expected a state with a finite weight of at least 0 for each "
      "task and a flag for each parameter.");
}

void load_model(const MultiTaskModel& model, const TrainingState& state) {
  MultiTaskModel own = model;
  for (size_t task = 0; task < state.weights.size(); ++task) {
    own->task(static_cast<int64_t>(task)).weight(state.weights[task]);
  }
  const auto parameters = model->unique_parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].requires_grad_(state.trained[i]);
  }
}

void describe_balancing(
    const balancing::Balancing& method, TrainingState& state) {
  state.balancing = method.name();
  state.balancing_options = options_text(method);
  state.balancing_state = method.state();
}

void check_balancing(
    const balancing::Balancing* method, const TrainingState& state) {
  check_kind(
      "the balancing ",
      method ? method->name() : std::string(),
      state.balancing);
  if (!method) {
    return;
  }
  check_kind(
      "the balancing's options ",
      options_text(*method),
      state.balancing_options);
  const auto copy = method->clone();
  try {
    copy->load_state(state.balancing_state);
  } catch (const c10::Error&) {
    rethrow_with("Training: ");
  }
}

void check_sampler(const TaskSampler* sampler, const TrainingState& state) {
  TORCH_CHECK_VALUE(
      (sampler != nullptr) == state.sampler.has_value(),
      "Training: expected a state with",
      sampler ? "" : "out",
      " a sampler, but it has ",
      sampler ? "none." : "one.");
  if (!sampler) {
    return;
  }
  const auto copy = sampler->clone();
  try {
    copy->restore(*state.sampler);
  } catch (const c10::Error&) {
    rethrow_with("Training: ");
  }
}

void describe_scaler(const optim::GradScaler* scaler, TrainingState& state) {
  if (scaler && scaler->is_enabled()) {
    state.grad_scaler = {
        scaler->get_scale(), static_cast<double>(scaler->get_growth_tracker())};
  }
}

// One from before there was a scaler, or without it, starts as new.
void check_scaler(const optim::GradScaler* scaler, const TrainingState& state) {
  if (state.grad_scaler.empty()) {
    return;
  }
  TORCH_CHECK_VALUE(
      scaler && scaler->is_enabled(),
      "Training: the state has the scale of a grad_scaler, but this training "
      "has none that is enabled.");
  TORCH_CHECK_VALUE(
      state.grad_scaler.size() == 2,
      "Training: expected a grad_scaler's scale and growth tracker, but the "
      "state has ",
      state.grad_scaler.size(),
      " numbers.");
  optim::GradScaler().restore(
      state.grad_scaler[0], static_cast<int64_t>(state.grad_scaler[1]));
}

void load_scaler(optim::GradScaler* scaler, const TrainingState& state) {
  if (scaler && !state.grad_scaler.empty()) {
    scaler->restore(
        state.grad_scaler[0], static_cast<int64_t>(state.grad_scaler[1]));
  }
}

} // namespace polytask::detail
