// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/balancing/balancing.h>

#include "../micro_batches.h"
#include "../saved_buffers.h"
#include "../step_context.h"
#include "../taken.h"
#include "bilevel_route.h"
#include "chosen_gradients.h"

namespace polytask::detail {

/// Joint steps whose tasks are weighed by a method.
class BalancedRoute {
 public:
  BalancedRoute(StepContext& context, const KnownSharing& known);

  /// The gradients of one step of the tasks that take part; there may be none.
  Taken backward(const HeadSteps& steps, bool share_input);
  /// The same for a method that needs several batches.
  Taken backward(const std::vector<Batch>& batches);
  /// Of several batches as one.
  Taken backward(const MicroBatches& all);
  /// After the update, for a method that wants the losses on the same rows once
  /// more. Does not throw: the update is taken.
  void observe_after(const MicroBatches& all);

  /// Keeps no graph of a step that was refused.
  void forget_step() {
    if (gradients_) {
      gradients_->forget_step();
    }
  }

  /// Before the first step: what the model allows.
  const RouteChoice& choice() const {
    return first_choice_;
  }

 private:
  /// What one step knows and finds.
  struct Step {
    const HeadSteps& tasks;
    TaskGradients& gradients;
    torch::Tensor losses; // [n], without their weights
    balancing::Extras extras;
    TaskWeights weights;                 // [n]; empty where there are none
    std::optional<math::Matrix> gramian; // [n, n]
  };

  Step begin(
      const HeadSteps& tasks, bool share_input, TaskGradients& gradients);
  void weigh(Step& step);
  void weigh_by_losses(Step& step);
  void weigh_gradients(Step& step);
  math::Matrix unscaled(math::Matrix gramian) const;
  bool overflows(const Step& step) const;
  void check_weights(const Step& step) const;
  void follow_jacobian(Step& step);
  void finish(Step& step);
  torch::Tensor losses_now(const MicroBatches& all);
  Taken take(Step& step);
  bool weighs_heads() const;
  bool finds_own_columns() const;

  StepContext& context_;
  std::unique_ptr<BilevelRoute> bilevel_; // where the method is of that kind
  std::unique_ptr<ChosenGradients> gradients_; // else
  RouteChoice first_choice_;
  RouteChoice of_accumulated_;
  SavedBuffers buffers_;
  bool warned_of_second_look_ = false;
};

} // namespace polytask::detail
