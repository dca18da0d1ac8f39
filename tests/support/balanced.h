// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/core/batch.h>
#include <polytask/model/multi_task_model.h>

namespace polytask::testing {

/// A model, a batch for it, and what its engine should do.
struct BalancedJob {
  MultiTaskModel model;
  Batch batch;
};

/// The kinds of trunk that steps with a balancing are tested on: "mlp", "deep"
/// (all activations), "conv", "embedding" (with LayerNorm), "unknown" (a module
/// that the engine does not know), "tied" (a parameter in two heads), "gated"
/// (a sharing with parameters of single tasks), "experts" (with features of
/// their own for the tasks; "experts_headed": for some, and heads of several
/// layers), "headed" (heads of several layers), "other_heads" (of layers that
/// the engine does not know), "frozen" (a trunk of which a part learns).
const std::vector<std::string>& balanced_kinds();
BalancedJob balanced_job(const std::string& kind, torch::ScalarType type);

/// The names that `balancing::make` takes without options, of methods that need
/// neither several batches nor a representation.
std::vector<std::string> methods_of_one_batch();

/// Gives the task at place t the weight 1 + t / 2, and keeps the Gramian.
class GramianProbe
    : public balancing::Cloneable<GramianProbe, balancing::GramianBalancing> {
 public:
  std::string name() const override {
    return "probe";
  }
  static std::vector<double> weights_of(int64_t tasks);
  math::Matrix seen;

 protected:
  math::Vector compute(
      const math::Matrix& gramian, const balancing::Extras& extras) override;
};

/// The same weights, by way of the Jacobian, which it keeps.
class JacobianProbe
    : public balancing::Cloneable<JacobianProbe, balancing::JacobianBalancing> {
 public:
  std::string name() const override {
    return "jacobian_probe";
  }
  torch::Tensor seen;

 protected:
  at::Tensor combine(
      const at::Tensor& jacobian, const balancing::Extras& extras) override;
};

/// What one step should leave: by one backward for each task.
struct ExpectedStep {
  torch::Tensor jacobian;               // [n, N]
  std::vector<torch::Tensor> gradients; // of all parameters, in their order
};
/// `weighs_heads`: also what single tasks have gets the probe's weights.
ExpectedStep expected_step(const BalancedJob& job, bool weighs_heads = false);

} // namespace polytask::testing
