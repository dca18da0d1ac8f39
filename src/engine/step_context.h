// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <optional>
#include <vector>

#include <polytask/engine/engine.h>

#include "program/head_step.h"

namespace polytask::detail {

/// What every route needs: the model, its optimizer, and the checks at the
/// door.
struct StepContext {
  StepContext(
      MultiTaskModel model,
      const torch::optim::OptimizerOptions& optimizer,
      EngineOptions options);
  StepContext(
      MultiTaskModel model,
      torch::optim::Optimizer& optimizer,
      EngineOptions options);

  /// The tasks that take part in a joint step, in the model's order.
  void collect(const Batch& batch, HeadSteps& steps) const;
  /// The same for one task. Throws if the batch lacks it.
  void collect(const Batch& batch, int64_t task, HeadSteps& steps) const;
  /// Which tasks may be drawn for a step on the batch: not those of weight 0 or
  /// without a label in it. A task that the batch lacks altogether may, and the
  /// step then throws.
  void find_takers(const Batch& batch, std::vector<bool>& takes_part) const;

  /// Throws, and names the task, on a loss that is not finite; nothing on a
  /// loss that is still on a device.
  void check_loss(int64_t task, std::optional<double> loss) const;
  const std::string& name(int64_t task) const;
  /// All that the optimizer holds, the model's or not.
  std::vector<torch::Tensor> optimized() const;

  void reset_gradients();
  /// Clips the gradients and takes the optimizer's step.
  void update();

  MultiTaskModel model;
  std::unique_ptr<torch::optim::Optimizer> own_optimizer;
  torch::optim::Optimizer* optimizer;
  EngineOptions options;
  /// All parameters of the model.
  std::vector<torch::Tensor> parameters;
  /// Those that the balancing learns, if any.
  std::vector<torch::Tensor> method_parameters;

 private:
  template <typename Visit>
  void for_each_part(const Batch& batch, const Visit& visit) const;
  void check_inputs(const Inputs& inputs) const;
  void check_input(const torch::Tensor& input, const std::string& which) const;
  bool takes_part(const Batch::Part& part, const Task& task) const;
  static void check_labels(const Batch::Part& part, const Task& task);
  void add(const Batch::Part& part, int64_t task, HeadSteps& steps) const;
  void bind();
  void check_sparse_modules() const;
  void warn_of_untrained() const;
  void check_sparse_gradients() const;
  void refuse_double_steps() const;
  [[noreturn]] void refuse_changed_structure() const;

  /// Those that the optimizer does not reset.
  std::vector<torch::Tensor> left_out_;
  /// Whether an update has to look for sparse gradients.
  bool may_refuse_sparse_ = false;
  /// The model's structure when this was made, to notice a change and to tell
  /// which.
  int64_t structure_version_ = 0;
  std::vector<Task> tasks_;
  const Sharing* sharing_ = nullptr;
};

} // namespace polytask::detail
