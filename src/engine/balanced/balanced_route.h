// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/balancing/balancing.h>

#include "../step_context.h"
#include "autograd_gradients.h"
#include "bilevel_route.h"
#include "layer_gradients.h"

namespace polytask::detail {

/// Joint steps whose tasks are weighed by a method.
class BalancedRoute {
 public:
  explicit BalancedRoute(StepContext& context);

  /// One step of the tasks that take part; there may be none.
  StepReport step(const HeadSteps& steps, bool share_input);
  /// The same for a method that needs several batches.
  StepReport step(const std::vector<Batch>& batches);

  RouteChoice choice() const;

 private:
  /// What one step knows and finds.
  struct Step {
    const HeadSteps& tasks;
    bool share_input;
    TaskGradients& gradients;
    torch::Tensor losses; // [n], without their weights
    balancing::Extras extras;
    TaskWeights weights;                 // [n]; empty where there are none
    std::optional<math::Matrix> gramian; // [n, n]
  };

  TaskGradients& gradients_for(const HeadSteps& tasks, bool share_input);
  void check_method() const;
  Step begin(const HeadSteps& tasks, bool share_input);
  void weigh(Step& step);
  void weigh_losses(Step& step);
  void weigh_gradients(Step& step);
  void check_weights(const Step& step) const;
  void follow_jacobian(Step& step);
  void finish(Step& step);
  void observe_after(const Step& step);
  StepReport take(Step& step);
  StepReport report(const Step& step) const;
  bool weighs_heads() const;

  StepContext& context_;
  std::string why_no_layers_;
  std::unique_ptr<LayerGradients> layers_;
  std::unique_ptr<BilevelRoute> bilevel_; // where the method is of that kind
  AutogradGradients autograd_;
  TaskGradients* last_ = nullptr;
};

} // namespace polytask::detail
