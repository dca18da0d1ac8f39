// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/engine.h>

#include <utility>

#include "engine_parts.h"

namespace polytask {

Engine::Engine(
    MultiTaskModel model,
    const torch::optim::OptimizerOptions& optimizer,
    EngineOptions options)
    : parts_(std::make_unique<Parts>(
          std::move(model), optimizer, std::move(options))) {}

Engine::Engine(
    MultiTaskModel model,
    torch::optim::Optimizer& optimizer,
    EngineOptions options)
    : parts_(std::make_unique<Parts>(
          std::move(model), optimizer, std::move(options))) {}

Engine::Engine(Engine&& other) noexcept = default;
Engine& Engine::operator=(Engine&& other) noexcept = default;
Engine::~Engine() = default;

StepReport Engine::joint_step(const Batch& batch) {
  return parts_->joint_step(batch);
}

StepReport Engine::joint_step(const std::vector<Batch>& batches) {
  return parts_->joint_step(batches);
}

StepReport Engine::joint_backward(const Batch& batch) {
  return parts_->joint_backward(batch);
}

StepReport Engine::joint_backward(const std::vector<Batch>& batches) {
  return parts_->joint_backward(batches);
}

StepReport Engine::task_backward(const Batch& batch, const TaskSource& source) {
  return parts_->task_backward(batch, source);
}

StepReport Engine::joint_accumulated(const std::vector<Batch>& batches) {
  return parts_->joint_accumulated(batches);
}

StepReport Engine::task_accumulated(
    const std::vector<Batch>& batches, const TaskSource& source) {
  return parts_->task_accumulated(batches, source);
}

void Engine::zero_grad() {
  parts_->zero_grad();
}

void Engine::forget_backward() {
  parts_->forget_backward();
}

optim::GradScaler* Engine::grad_scaler() const {
  return parts_->context.options.grad_scaler().get();
}

const std::shared_ptr<Communicator>& Engine::communicator() const {
  return parts_->context.options.communicator();
}

const TaskOwners& Engine::task_owners() const {
  return parts_->context.options.task_owners();
}

void Engine::update() {
  parts_->update();
}

void Engine::gather() {
  parts_->context.gather();
}

StepReport Engine::task_step(
    const std::function<DrawnBatch()>& draw, const TaskSource& source) {
  return parts_->task_step(draw, source);
}

StepReport Engine::task_step(const Batch& batch, const TaskSource& source) {
  return parts_->task_step(batch, source);
}

StepReport Engine::joint_run(
    const Batch& batch,
    int64_t steps,
    const StepObserver& observer,
    int64_t& counter) {
  return parts_->run(batch, steps, {}, observer, counter);
}

StepReport Engine::task_run(
    const Batch& batch,
    int64_t steps,
    const TaskSource& source,
    const StepObserver& observer,
    int64_t& counter) {
  return parts_->run(batch, steps, source, observer, counter);
}

const MultiTaskModel& Engine::model() const {
  return parts_->context.model;
}

torch::optim::Optimizer& Engine::optimizer() {
  return *parts_->context.optimizer;
}

const torch::optim::Optimizer& Engine::optimizer() const {
  return *parts_->context.optimizer;
}

balancing::Balancing* Engine::balancing() {
  return parts_->context.options.balancing().get();
}

const balancing::Balancing* Engine::balancing() const {
  return parts_->context.options.balancing().get();
}

const RouteChoice& Engine::route() const {
  return parts_->route();
}

} // namespace polytask
