// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bilevel_route.h"

#include <algorithm>
#include <utility>

#include "balancing/task_labels.h"
#include "engine/weighted_losses.h"

#include "../autograd_route.h"
#include "places.h"
#include "vectors.h"

namespace polytask::detail {

namespace {

HeadSteps weighted_tasks(HeadSteps tasks, const math::Vector& weights) {
  for (size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].weight *= weights[i];
  }
  return tasks;
}

} // namespace

BilevelRoute::BilevelRoute(StepContext& context) : context_(context) {
  const Route wanted = context.options.route();
  const auto name = context.options.balancing()->name();
  TORCH_CHECK_VALUE(
      wanted == Route::kAuto || wanted == Route::kAutograd,
      "training: the route '",
      to_string(wanted),
      "' is none for steps with the balancing '",
      name,
      "'; they take autograd.");
  TORCH_CHECK_VALUE(
      context.options.head_gradients() != HeadGradients::kUnweighted,
      "training: the balancing '",
      name,
      "' weighs the heads' losses too; head_gradients cannot be unweighted.");
}

balancing::BilevelBalancing& BilevelRoute::method() const {
  return static_cast<balancing::BilevelBalancing&>(
      *context_.options.balancing());
}

std::vector<ModelProblem::Side> BilevelRoute::sides_of(
    const std::vector<Batch>& batches) const {
  std::vector<ModelProblem::Side> sides;
  for (const Batch& batch : batches) {
    ModelProblem::Side side{{}, batch.shares_input()};
    context_.collect(batch, side.tasks);
    TORCH_CHECK_VALUE(
        !side.tasks.empty(),
        "training: batch ",
        sides.size(),
        " has no label at all.");
    for (int64_t task = 0; task < context_.model->size() && !sides.empty();
         ++task) {
      const auto has = [task](const HeadSteps& tasks) {
        return std::any_of(
            tasks.begin(), tasks.end(), [task](const HeadStep& step) {
              return step.task == task;
            });
      };
      TORCH_CHECK_VALUE(
          has(side.tasks) == has(sides[0].tasks),
          "training: expected labels of the same tasks in all batches of a "
          "step, but batches 0 and ",
          sides.size(),
          " differ in task '",
          context_.name(task),
          "'.");
    }
    sides.push_back(std::move(side));
  }
  return sides;
}

balancing::BilevelBalancing::Update BilevelRoute::learn(
    ModelProblem& problem, const HeadSteps& tasks) const {
  balancing::BilevelBalancing::Update update;
  try {
    const auto present = places(tasks);
    const balancing::detail::TaskLabels all(context_.model->task_names());
    const balancing::detail::TaskLabels some(present);
    method().with_tasks(present, [&] { update = method().learn(problem); });
  } catch (...) {
    problem.undo();
    throw;
  }
  problem.undo();
  return update;
}

Taken BilevelRoute::follow(
    ModelProblem& problem,
    const HeadSteps& tasks,
    const balancing::BilevelBalancing::Update& update) const {
  problem.keep_inner_buffers();
  context_.reset_gradients();
  set_flat_gradient(problem.parameters(), update.direction);
  WeightedLosses losses(context_.model->size(), context_.tensor_options());
  for (size_t i = 0; i < tasks.size(); ++i) {
    losses.add(
        tasks[i].task,
        tasks[i].weight * update.weights[i],
        problem.inner_losses()[static_cast<int64_t>(i)]);
  }
  return {losses.report(), /*learns=*/true, &choice_};
}

Taken BilevelRoute::backward(const std::vector<Batch>& batches) {
  const auto sides = sides_of(batches);
  const auto before = method().state();
  try {
    ModelProblem problem(context_, sides[0], sides[1]);
    const auto update = learn(problem, sides[0].tasks);
    if (update.direction.defined()) {
      return follow(problem, sides[0].tasks, update);
    }
    const auto& all = sides.back();
    const AutogradStep taken = autograd_backward(
        context_,
        weighted_tasks(all.tasks, update.weights),
        all.share_input,
        {},
        {});
    return {taken.losses.report(), taken.learns, &choice_};
  } catch (...) {
    method().load_state(before);
    throw;
  }
}

} // namespace polytask::detail
