// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/training.h>

#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <string>
#include <utility>

#include <polytask/training/task_sampler.h>
#include "core/say_once.h"

#include "training/state_checks.h"

namespace polytask {

namespace {

// A run on one batch that goes through so many steps is more than an epoch, and
// few data sets have epochs of so many steps.
constexpr int64_t kLongRun = 100;
constexpr int64_t kLongEpoch = 10000;

} // namespace

Training::Training(Engine engine) : engine_(std::move(engine)) {}
Training::Training(Training&&) noexcept = default;
Training& Training::operator=(Training&&) noexcept = default;
Training::~Training() = default;

StepReport Training::step(const Batch& batch) {
  return counted([&] { return take_step(batch); });
}

void Training::zero_grad() {
  engine_.zero_grad();
}

StepReport Training::backward(const Batch& batch) {
  return unmoved([&] { return take_backward(batch); });
}

StepReport Training::step_accumulated(const std::vector<Batch>& batches) {
  return counted([&] { return take_accumulated(batches); });
}

void Training::update() {
  engine_.update();
  ++steps_;
  warn_after(/*in_run=*/0);
}

StepReport Training::run(
    const Batch& batch, int64_t steps, const StepObserver& observer) {
  warn_before();
  StepReport report = take_run(batch, steps, observer);
  warn_after(steps);
  return report;
}

void Training::end_epoch() {
  if (balancing()) {
    balancing()->end_epoch();
  }
  if (drawing()) {
    drawing()->end_epoch();
  }
  model()->sharing().end_epoch();
  ++epochs_;
}

void Training::gather() {
  engine_.gather();
}

void Training::warn_before() {
  if (!warned_of_eval_ && !model()->is_training()) {
    detail::say_once(
        warned_of_eval_,
        "training: the model is in eval mode, so dropout is off and BatchNorm "
        "learns no statistics; call model->train() before the steps.");
  }
}

void Training::warn_after(int64_t in_run) {
  const bool many = in_run >= kLongRun || steps_ >= kLongEpoch;
  if (many && epochs_ == 0 && !warned_of_epochs_ && balancing() &&
      balancing()->counts_epochs()) {
    detail::say_once(
        warned_of_epochs_,
        "training: the balancing '" + balancing()->name() +
            "' learns from epoch to epoch, but " + std::to_string(steps_) +
            " steps were taken and the training's end_epoch() was never "
            "called; call it after each epoch.");
  }
}

TrainingState Training::state() const {
  TrainingState state;
  state.strategy = strategy();
  state.steps = steps_;
  state.epochs = epochs_;
  detail::describe_model(model(), state);
  detail::describe_optimizer(engine_.optimizer(), model(), state);
  if (const auto* method = engine_.balancing()) {
    detail::describe_balancing(*method, state);
  }
  if (const auto* sampler = drawing()) {
    state.sampler = sampler->state();
  }
  detail::describe_scaler(engine_.grad_scaler(), state);
  return state;
}

void Training::load_state(const TrainingState& state) {
  // All that can throw comes before anything is changed, and the optimizer,
  // which only loading can try, puts back what it was.
  detail::check_state(state, strategy());
  detail::check_model(model(), state);
  detail::check_balancing(balancing(), state);
  detail::check_sampler(drawing(), state);
  detail::check_scaler(engine_.grad_scaler(), state);
  detail::load_optimizer(engine_.optimizer(), model(), state);
  detail::load_model(model(), state);
  if (balancing()) {
    balancing()->load_state(state.balancing_state);
    balancing()->to(model()->parameters().front().device());
  }
  if (drawing()) {
    drawing()->restore(*state.sampler);
  }
  detail::load_scaler(engine_.grad_scaler(), state);
  engine_.forget_backward();
  steps_ = state.steps;
  epochs_ = state.epochs;
}

void Training::save(torch::serialize::OutputArchive& archive) const {
  state().save(archive);
}

void Training::load(torch::serialize::InputArchive& archive) {
  TrainingState state;
  state.load(archive);
  load_state(state);
}

torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Training& training) {
  training.save(archive);
  return archive;
}

torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Training& training) {
  training.load(archive);
  return archive;
}

} // namespace polytask
