// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// How tasks share a network: from the input to one feature tensor for each
/// task. Tasks are counted from 0 in the model's order. A sharing must override
/// `clone` to copy deeply what it was given from outside.
class POLYTASK_API Sharing : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;
  /// Not to be assigned to: a model's `replace_sharing` puts another in place.
  Sharing& operator=(const Sharing& other) = delete;

  /// The features of all `tasks` tasks for an input that they share. Tasks may
  /// get the same tensor; what they share is computed once.
  virtual std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) = 0;

  /// The features of one task, computing no other task's.
  virtual torch::Tensor features_of(
      const torch::Tensor& input, int64_t task) = 0;

  /// Parameters of this sharing that serve one task alone, such as a gate.
  virtual std::vector<torch::Tensor> task_parameters(int64_t task) const;
};

} // namespace polytask
