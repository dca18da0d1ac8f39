// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <optional>
#include <vector>

#include <polytask/engine/engine.h>
#include "core/input_look.h"

#include "own_loss.h"
#include "own_tasks.h"
#include "peers.h"
#include "plan/plan.h"
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

  /// Before each step: throws where none can be taken, whatever the batch.
  /// True where model or optimizer were changed, so that the plan was made
  /// anew; throws, by name, if no plan can be, and then nothing has changed.
  bool refresh();
  /// The same in two parts, where one task alone takes a step: before it is
  /// drawn, and then. What other heads hold may wait until they are.
  bool refresh_but_heads();
  bool refresh_head(int64_t task);

  /// The tasks that take part in a joint step, in the model's order. Throws if
  /// an input of the batch holds NaN; inputs through which nobody has looked
  /// yet go to `later` instead, where it is given, and the route looks by
  /// itself.
  void collect(
      const Batch& batch, HeadSteps& steps, DueInputs* later = nullptr) const;
  /// The same for one task. Throws if the batch lacks it.
  void collect(
      const Batch& batch,
      int64_t task,
      HeadSteps& steps,
      DueInputs* later = nullptr) const;
  /// Which tasks may be drawn for a step on the batch: not those of weight 0 or
  /// without a label in it. A task that the batch lacks altogether may, and the
  /// step then throws.
  void find_takers(const Batch& batch, std::vector<bool>& takes_part) const;

  /// A task's part in a step of several batches, of which it has no label here.
  HeadStep whole_step(int64_t task) const {
    const double weight = model->task(task).weight();
    return {task, nullptr, nullptr, weight, nullptr, loss_scale_};
  }

  /// Throws, and names the task, on a loss that is not finite; nothing on a
  /// loss that is still on a device.
  void check_loss(int64_t task, std::optional<double> loss) const;
  const std::string& name(int64_t task) const;
  const Plan& plan() const {
    return *plan_;
  }
  /// By which the gradients of this step are too large; 1 but in mixed
  /// precision.
  double loss_scale() const {
    return loss_scale_;
  }
  /// Dtype and device of the model.
  torch::TensorOptions tensor_options() const {
    return plan().parameters().front().options().requires_grad(false);
  }

  /// By which processes see that they train the same parameters.
  double mark_of_trained() const;
  /// Sums over processes the gradients that local(numbers) writes, and the
  /// numbers.
  template <typename Local>
  std::vector<double> sum_gradients_after(size_t count, const Local& local) {
    auto sums = peers.sum_gradients_after(
        own_tasks.summed_by_all(), count, [&](std::vector<double>& numbers) {
          local(numbers);
          own_tasks.check_gradients();
        });
    own_tasks.sum_gradients();
    return sums;
  }
  void reset_gradients();
  /// Clips the gradients and takes the optimizer's step.
  void update();
  /// Gives all processes what only some have.
  void gather() {
    own_tasks.gather(model, *optimizer, peers);
  }

  MultiTaskModel model;
  std::unique_ptr<torch::optim::Optimizer> own_optimizer;
  torch::optim::Optimizer* optimizer = nullptr;
  EngineOptions options;
  Peers peers;
  OwnTasks own_tasks;
  /// Of the sharing, in this step.
  std::shared_ptr<OwnLoss> own_loss = std::make_shared<OwnLoss>();
  /// Those that the balancing learns, if any.
  std::vector<torch::Tensor> method_parameters;

 private:
  bool refresh_if(bool has_changed);
  template <typename Visit>
  void for_each_part(const Batch& batch, const Visit& visit) const;
  void check_inputs(const Inputs& inputs) const;
  void check_input(const torch::Tensor& input, const std::string& which) const;
  bool takes_part(const Batch::Part& part, const Task& task) const;
  static void check_labels(const Batch::Part& part, const Task& task);
  void add(const Batch::Part& part, int64_t task, HeadSteps& steps) const;
  template <typename Choose>
  void begin(const Choose& choose_optimizer);
  void bind();
  std::string method_name() const;
  void find_scale();
  void check_ranks() const;
  void check_sparse_modules() const;
  void check_sparse_gradients() const;

  std::optional<Plan> plan_;
  double loss_scale_ = 1;
  int64_t updates_ = 0;
  /// Whether an update has to look for sparse gradients.
  bool may_refuse_sparse_ = false;
};

} // namespace polytask::detail
