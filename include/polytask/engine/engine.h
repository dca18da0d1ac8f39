// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/optim/optimizer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>
#include <polytask/core/step_report.h>
#include <polytask/engine/learning_rates.h>
#include <polytask/engine/losses.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/optim/clipping.h>

namespace polytask {

struct POLYTASK_API EngineOptions {
  /// Rates for the shared part and for single tasks; only with optimizer
  /// options, for an optimizer of the user's has groups already.
  TORCH_ARG(LearningRates, learning_rates);
  /// Bounds the gradients of one update, those of all parameters that the
  /// optimizer holds together.
  TORCH_ARG(Clipping, clipping);
  /// Refuse a step whose loss is NaN or infinite, before anything is changed.
  /// Looked at on the CPU only, where it costs nothing.
  TORCH_ARG(bool, check_losses) = true;
};

/// Turns a batch into losses, gradients and one optimizer step; the only place
/// that writes `.grad`. Training strategies say which tasks take part.
class POLYTASK_API Engine {
 public:
  /// With an optimizer of its own over all parameters of the model, each once.
  Engine(
      MultiTaskModel model,
      const torch::optim::OptimizerOptions& optimizer,
      EngineOptions options);
  /// With the user's optimizer, which must outlive the engine. Refuses LBFGS,
  /// which needs a closure and moves parameters without a gradient.
  Engine(
      MultiTaskModel model,
      torch::optim::Optimizer& optimizer,
      EngineOptions options);

  /// One forward, one backward of Σ weight · loss over the tasks with a label
  /// in the batch, one optimizer step. Where no task has one, nothing moves.
  StepReport joint_step(const Batch& batch);

  /// The same for one task alone. Parameters that it does not use have no
  /// gradient then, so that the optimizer passes them over, state and all.
  /// `before_update` sees the report; if it throws, nothing moves.
  StepReport task_step(
      const Batch& batch, int64_t task, const StepObserver& before_update = {});

  const MultiTaskModel& model() const {
    return model_;
  }
  torch::optim::Optimizer& optimizer() {
    return *optimizer_;
  }

 private:
  using Parts = std::vector<const Batch::Part*>;

  void bind();
  /// Calls `visit(task, part)` for each part. Throws on a task that the model
  /// lacks.
  template <typename Visit>
  void for_each_part(const Batch& batch, Visit&& visit) const;
  void check_tasks(const Batch& batch) const;
  /// The part of each task, by task; null for a task that the batch lacks.
  Parts parts_by_task(const Batch& batch) const;
  void check_input(const torch::Tensor& input) const;
  void check_loss(int64_t task, const torch::Tensor& loss) const;
  /// Whether the task has a weight and a label.
  bool takes_part(int64_t task, const Labels& labels) const;
  void add_loss(
      WeightedLosses& losses,
      int64_t task,
      const torch::Tensor& features,
      const Labels& labels) const;
  void reset_gradients();
  void update(const torch::Tensor& total);

  MultiTaskModel model_;
  std::unique_ptr<torch::optim::Optimizer> own_optimizer_;
  torch::optim::Optimizer* optimizer_;
  EngineOptions options_;
  /// All parameters of the model, and those the optimizer does not reset.
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> left_out_;
  /// The number of tasks that the optimizer was made for.
  int64_t tasks_ = 0;
};

} // namespace polytask
