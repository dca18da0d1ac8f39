// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <polytask/balancing/bilevel_balancing.h>

#include "../step_context.h"
#include "../taken.h"
#include "model_problem.h"

namespace polytask::detail {

/// Joint steps whose tasks are weighed by a bilevel method: {inner, outer, all}
/// or {inner, outer}.
class BilevelRoute {
 public:
  /// Throws on options that such a step has no use for.
  explicit BilevelRoute(StepContext& context);

  /// The gradients of one step. If it throws, the parameters and the method are
  /// as they were.
  Taken backward(const std::vector<Batch>& batches);

  const RouteChoice& choice() const {
    return choice_;
  }

 private:
  balancing::BilevelBalancing& method() const;
  std::vector<ModelProblem::Side> sides_of(
      const std::vector<Batch>& batches) const;
  balancing::BilevelBalancing::Update learn(
      ModelProblem& problem, const HeadSteps& tasks) const;
  Taken follow(
      ModelProblem& problem,
      const HeadSteps& tasks,
      const balancing::BilevelBalancing::Update& update) const;

  StepContext& context_;
  RouteChoice choice_{
      Route::kAutograd, "a bilevel balancing moves the parameters"};
};

} // namespace polytask::detail
