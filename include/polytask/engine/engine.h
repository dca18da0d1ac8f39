// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/optim/optimizer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/core/api.h>
#include <polytask/core/batch.h>
#include <polytask/core/step_report.h>
#include <polytask/engine/learning_rates.h>
#include <polytask/engine/route.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/optim/clipping.h>

namespace polytask {

/// What a task's own parameters learn from in a step with a balancing.
enum class HeadGradients {
  /// As the method has it: with methods that read losses, each task's loss
  /// times its weight; with those that read gradients, the loss itself.
  kAsMethod,
  /// Each task's own loss.
  kUnweighted,
  /// Each task's loss times its weight. Throws with a method whose update is no
  /// combination of the gradients.
  kWeighted,
};

struct POLYTASK_API EngineOptions {
  /// Rates for the shared part and for single tasks; only with optimizer
  /// options, for an optimizer of the user's has groups already.
  TORCH_ARG(LearningRates, learning_rates);
  /// Bounds the gradients of one update, those of all parameters that the
  /// optimizer holds together, but for those that the balancing learns.
  TORCH_ARG(Clipping, clipping);
  /// Refuse a step whose loss is NaN or infinite, before anything is changed.
  /// Looked at on the CPU only, where it costs nothing.
  TORCH_ARG(bool, check_losses) = true;
  /// Forces a route; a step that it cannot take throws, and says why.
  TORCH_ARG(Route, route) = Route::kAuto;
  /// How many steps on one batch are taken.
  TORCH_ARG(FixedBatch, fixed_batch) = FixedBatch::kAuto;
  /// Record steps on a CUDA device as a graph and replay them while shapes stay
  /// the same. A replay overwrites the gradients of the last one in place.
  /// Not where a network's forward reads numbers on the host that change from
  /// step to step, for a graph keeps those of its recording.
  TORCH_ARG(bool, device_graph) = false;
  /// How joint steps weigh the tasks; by the sum of their losses where it is
  /// null. The engine uses it as it is, with what it has learned.
  TORCH_ARG(std::shared_ptr<balancing::Balancing>, balancing);
  TORCH_ARG(HeadGradients, head_gradients) = HeadGradients::kAsMethod;
  /// Report the tasks' inner products also with a method that does not need
  /// them but reads the Jacobian.
  TORCH_ARG(bool, report_gradients) = false;
};

/// Which task is next in alternating training, and who wants its loss.
struct TaskSource {
  std::function<int64_t()> next;
  /// Gets the loss of a task that takes part, before its update; may be empty.
  /// If it throws, nothing moves.
  std::function<void(int64_t task, double loss)> observe;
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
  Engine(Engine&& other) noexcept;
  Engine& operator=(Engine&& other) noexcept;
  ~Engine();

  /// One forward, one backward of Σ weight · loss over the tasks with a label
  /// in the batch, one optimizer step. Where no task has one, nothing moves.
  StepReport joint_step(const Batch& batch);
  /// For a balancing that needs several batches.
  StepReport joint_step(const std::vector<Batch>& batches);

  /// The same for one task alone. Parameters that it does not use have no
  /// gradient then, so that the optimizer passes them over, state and all.
  StepReport task_step(
      const Batch& batch, int64_t task, const TaskSource& source = {});

  /// `steps` steps on one batch, by the fastest route. `counter` counts the
  /// steps that were taken, also where one throws; reports bear its value.
  StepReport joint_run(
      const Batch& batch,
      int64_t steps,
      const StepObserver& observer,
      int64_t& counter);
  StepReport task_run(
      const Batch& batch,
      int64_t steps,
      const TaskSource& source,
      const StepObserver& observer,
      int64_t& counter);

  const MultiTaskModel& model() const;
  torch::optim::Optimizer& optimizer();
  /// Null where there is none.
  balancing::Balancing* balancing();
  /// The route of the last step or run; before the first, the one that the
  /// model allows.
  const RouteChoice& route() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

} // namespace polytask
