// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/sharing_around.h>

#include <c10/util/Exception.h>

#include <utility>

#include "sharing/task_places.h"

namespace polytask {

SharingAround::SharingAround(std::string name, std::shared_ptr<Sharing> inner)
    : InputsSharing(std::move(name)), inner_(std::move(inner)) {
  TORCH_CHECK_VALUE(
      inner_ != nullptr, this->name(), ": the inner sharing is empty.");
  register_module("inner", inner_);
}

void SharingAround::add_task(const std::string& name) {
  serve_next(*inner_, tasks().size(), name);
}

std::vector<Inputs> SharingAround::features_for_all(
    const Inputs& inputs, int64_t tasks) {
  detail::check_all_tasks(*this, tasks);
  return inner_->features_for_all(inputs, tasks);
}

Inputs SharingAround::features_for(const Inputs& inputs, int64_t task) {
  detail::task_place(*this, task);
  return inner_->features_for(inputs, task);
}

std::vector<torch::Tensor> SharingAround::task_parameters(int64_t task) const {
  detail::task_place(*this, task);
  return inner_->task_parameters(task);
}

std::vector<torch::Tensor> SharingAround::used_parameters(int64_t task) const {
  detail::task_place(*this, task);
  return inner_->used_parameters(task);
}

torch::Tensor SharingAround::own_loss(c10::ArrayRef<int64_t> tasks) {
  for (const int64_t task : tasks) {
    detail::check_any_place(*this, task);
  }
  return inner_->own_loss(tasks);
}

void SharingAround::begin_step() {
  inner_->begin_step();
}

void SharingAround::end_epoch() {
  inner_->end_epoch();
}

bool SharingAround::draws() const {
  return inner_->draws();
}

std::vector<MixingWeights> SharingAround::mixing_weights() const {
  return inner_->mixing_weights();
}

} // namespace polytask
