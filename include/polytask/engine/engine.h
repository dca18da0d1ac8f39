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
#include <polytask/engine/route.h>
#include <polytask/engine/step_options.h>
#include <polytask/model/multi_task_model.h>

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

struct POLYTASK_API EngineOptions : StepOptions<EngineOptions> {
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
  /// The place of the next task, of those that take part; negative where none
  /// is to be drawn.
  std::function<int64_t(const std::vector<bool>& takes_part)> next;
  /// Gets the loss of a task that takes part, before its update; may be empty.
  /// If it throws, nothing moves.
  std::function<void(int64_t task, double loss)> observe;
  /// Gets a task that was drawn and has no label; may be empty.
  std::function<void(int64_t task)> pass;
  /// Whether somebody looks at the model as a task is drawn.
  bool reads_model = false;
};

/// A task that was drawn elsewhere, and rows for it.
struct DrawnBatch {
  Batch batch;
  int64_t task;
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
  /// `draw` gives the task and the rows; where it throws on one of several
  /// processes, all refuse the step.
  StepReport task_step(
      const std::function<DrawnBatch()>& draw, const TaskSource& source);
  /// The same for the task that `source` draws. Those that have the weight 0,
  /// or no label in the batch, take no part; a task that the batch lacks
  /// altogether may be drawn, and throws.
  StepReport task_step(const Batch& batch, const TaskSource& source);

  /// The gradients of such a step, added to those that are there; nothing
  /// moves.
  StepReport joint_backward(const Batch& batch);
  StepReport joint_backward(const std::vector<Batch>& batches);
  StepReport task_backward(const Batch& batch, const TaskSource& source);
  /// Clears the gradients of the model's parameters and of all that the
  /// optimizer holds.
  void zero_grad();
  /// Clips the gradients and takes the optimizer's step; a method that looks at
  /// the losses once more does so.
  void update();
  /// As if no backward waited for its update; gradients stay.
  void forget_backward();

  /// Gives all processes what only some have; see `Training::gather`.
  void gather();

  /// One step on several batches, as on all their rows together.
  StepReport joint_accumulated(const std::vector<Batch>& batches);
  StepReport task_accumulated(
      const std::vector<Batch>& batches, const TaskSource& source);

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
  const torch::optim::Optimizer& optimizer() const;
  /// Null where there is none.
  balancing::Balancing* balancing();
  const balancing::Balancing* balancing() const;
  /// Null where there is none.
  optim::GradScaler* grad_scaler() const;
  /// The same.
  const std::shared_ptr<Communicator>& communicator() const;
  const TaskOwners& task_owners() const;
  /// The route of the last step or run; before the first, the one that the
  /// model allows.
  const RouteChoice& route() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

} // namespace polytask
