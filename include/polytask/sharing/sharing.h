// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>

namespace polytask {

/// How tasks share a network: from the input to the features of each task.
/// Tasks are counted from 0 in the model's order. A sharing must override
/// `clone` to copy deeply what it was given from outside.
///
/// A sharing of one tensor overrides `features` and `features_of`; one that
/// takes several named tensors, or hands several to the heads, overrides
/// `features_for_all` and `features_for`. `MultiTaskModel::features` calls the
/// latter and checks what they give.
class POLYTASK_API Sharing : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;
  /// Not to be assigned to: a model's `replace_sharing` puts another in place.
  Sharing& operator=(const Sharing& other) = delete;

  /// The features of all `tasks` tasks for an input that they share. Tasks may
  /// get the same tensor; what they share is computed once.
  virtual std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks);

  /// The features of one task, computing no other task's.
  virtual torch::Tensor features_of(const torch::Tensor& input, int64_t task);

  /// The same from any inputs. As it is: that of the one tensor there is;
  /// throws, and lists the names, where there are several.
  virtual std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks);
  virtual Inputs features_for(const Inputs& inputs, int64_t task);

  /// Parameters of this sharing that serve one task alone, such as a gate.
  virtual std::vector<torch::Tensor> task_parameters(int64_t task) const;

 private:
  const torch::Tensor& only_tensor(const Inputs& inputs) const;
  [[noreturn]] void refuse_unwritten() const;
};

} // namespace polytask
