// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/input_guard.h>

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <torch/nn/module.h>

namespace polytask::detail {

bool has_version(const at::Tensor& input) {
  return input.defined() && !input.is_inference();
}

int64_t version_of(const at::Tensor& input) {
  return static_cast<int64_t>(input._version());
}

at::Tensor copy_of(const at::Tensor& input) {
  if (!input.defined() || !c10::InferenceMode::is_enabled()) {
    return input.defined() ? input.clone() : input;
  }
  // One whose changes LibTorch counts.
  const c10::InferenceMode counted(false);
  const at::NoGradGuard no_grad;
  return input.clone();
}

bool has_version(const Inputs& inputs) {
  bool all = true;
  inputs.for_each([&](const std::string&, const at::Tensor& tensor) {
    all = all && has_version(tensor);
  });
  return all;
}

int64_t version_of(const Inputs& inputs) {
  int64_t sum = 0;
  inputs.for_each([&](const std::string&, const at::Tensor& tensor) {
    sum += version_of(tensor);
  });
  return sum;
}

Inputs copy_of(const Inputs& inputs) {
  return inputs.map([](const at::Tensor& tensor) { return copy_of(tensor); });
}

InputGuard::InputGuard(bool only_reads)
    : habits_(std::make_shared<std::array<std::atomic<Habit>, 2>>()) {
  for (auto& habit : *habits_) {
    habit = only_reads ? Habit::kReads : Habit::kUnknown;
  }
}

std::atomic<InputGuard::Habit>& InputGuard::habit_of(
    const torch::nn::Module& module) const {
  return (*habits_)[module.is_training() ? 1 : 0];
}

void InputGuard::refuse(const torch::nn::Module& module) {
  TORCH_CHECK_VALUE(
      false,
      "the module '",
      module.name(),
      "' changed its input in place, which others see too. It did not do so at "
      "first; from now on it gets a copy. Take this step again, with its batch "
      "as it was.");
}

} // namespace polytask::detail
