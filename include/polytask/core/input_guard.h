// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>

namespace torch::nn {
class Module;
} // namespace torch::nn

namespace polytask::detail {

/// How often tensors were changed in place; nothing where LibTorch does not
/// count, which is for tensors made in inference mode.
POLYTASK_API bool has_version(const at::Tensor& input);
POLYTASK_API int64_t version_of(const at::Tensor& input);
/// With a graph to the original.
POLYTASK_API at::Tensor copy_of(const at::Tensor& input);

/// The same of all tensors together.
POLYTASK_API bool has_version(const Inputs& inputs);
POLYTASK_API int64_t version_of(const Inputs& inputs);
POLYTASK_API Inputs copy_of(const Inputs& inputs);

/// Keeps a module that works in place, such as `ReLU(inplace)`, from changing
/// what it was given, which others see too: it gets a copy. A module shows what
/// it does in its first call, which is on a copy unless it is known that it
/// only reads; the others then cost nothing.
class POLYTASK_API InputGuard {
 public:
  explicit InputGuard(bool only_reads);

  /// `forward(input)`. Throws if the module changed its input though it did not
  /// do so at first; from then on it gets copies.
  template <typename Input, typename Forward>
  at::Tensor run(
      const torch::nn::Module& module,
      const Input& input,
      const Forward& forward) const {
    std::atomic<Habit>& habit = habit_of(module);
    const bool is_counted = has_version(input);
    if (habit == Habit::kReads) {
      const int64_t version = is_counted ? version_of(input) : 0;
      at::Tensor output = forward(input);
      if (is_counted && version_of(input) != version) {
        habit = Habit::kWrites;
        refuse(module);
      }
      return output;
    }
    const Input copy = copy_of(input);
    const int64_t version = is_counted ? version_of(copy) : 0;
    at::Tensor output = forward(copy);
    if (is_counted && habit == Habit::kUnknown) {
      habit = version_of(copy) == version ? Habit::kReads : Habit::kWrites;
    }
    return output;
  }

 private:
  enum class Habit : uint8_t { kUnknown, kReads, kWrites };

  std::atomic<Habit>& habit_of(const torch::nn::Module& module) const;
  [[noreturn]] static void refuse(const torch::nn::Module& module);

  /// In evaluation and in training: a Dropout in place writes in the latter
  /// alone.
  std::shared_ptr<std::array<std::atomic<Habit>, 2>> habits_;
};

} // namespace polytask::detail
