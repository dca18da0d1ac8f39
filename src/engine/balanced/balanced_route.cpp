// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "balanced_route.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include "balancing/task_labels.h"
#include "core/host_value.h"
#include "core/rounding.h"
#include "core/say_once.h"
#include "engine/weighted_losses.h"

#include "../features.h"
#include "accumulated_gradients.h"
#include "balanced_report.h"
#include "balancing_checks.h"
#include "gramian_sum.h"
#include "loss_weights.h"
#include "method_kept.h"
#include "places.h"

namespace polytask::detail {

namespace {

using balancing::Reads;

// Each loss times its task's weight.
torch::Tensor weighted(const torch::Tensor& losses, const HeadSteps& tasks) {
  std::vector<double> weights;
  bool is_plain = true;
  for (const HeadStep& step : tasks) {
    weights.push_back(step.weight);
    is_plain = is_plain && step.weight == 1;
  }
  return is_plain ? losses : losses * host_vector(weights, losses.options());
}

} // namespace

BalancedRoute::BalancedRoute(StepContext& context, const KnownSharing& known)
    : context_(context) {
  check_balancing(context);
  if (context.options.balancing()->reads() == Reads::kBilevel) {
    bilevel_ = std::make_unique<BilevelRoute>(context);
    first_choice_ = bilevel_->choice();
  } else {
    gradients_ = std::make_unique<ChosenGradients>(context, known);
    first_choice_ = gradients_->first_choice();
  }
}

BalancedRoute::Step BalancedRoute::begin(
    const HeadSteps& tasks, bool share_input, TaskGradients& gradients) {
  check_still_prepared(context_);
  Step step{tasks, gradients, {}, {}, {}, {}};
  context_.reset_gradients();
  step.losses = step.gradients.forward(tasks, share_input);
  if (step.losses.device().is_cpu()) {
    const auto losses = host_values(step.losses);
    for (size_t i = 0; i < tasks.size(); ++i) {
      context_.check_loss(tasks[i].task, losses[i]);
    }
  }
  return step;
}

bool BalancedRoute::weighs_heads() const {
  return detail::weighs_heads(
      context_.options.head_gradients(), *context_.options.balancing());
}

// The method's parameters learn by the way.
void BalancedRoute::weigh_by_losses(Step& step) {
  auto found = weigh_losses(
      *context_.options.balancing(),
      weighted(step.losses, step.tasks),
      step.extras);
  const double scale = context_.loss_scale();
  for (const auto& [parameter, gradient] : found.learned) {
    parameter.mutable_grad() = scale == 1 ? gradient : gradient * scale;
  }
  step.weights = std::move(found.weights);
}

void BalancedRoute::weigh_gradients(Step& step) {
  auto& method =
      static_cast<balancing::GramianBalancing&>(*context_.options.balancing());
  if (!method.wants_gradients()) {
    step.weights = method.repeat();
    return;
  }
  step.gramian = unscaled(step.gradients.gramian());
  if (overflows(step)) {
    step.weights = math::Vector(step.tasks.size(), 1.0);
    return;
  }
  step.weights = method.solve(*step.gramian, step.extras);
  check_weights(step);
}

math::Matrix BalancedRoute::unscaled(math::Matrix gramian) const {
  const double scale = context_.loss_scale();
  for (int64_t i = 0; scale != 1 && i < gramian.size(); ++i) {
    for (int64_t j = 0; j < gramian.size(); ++j) {
      gramian(i, j) = gramian(i, j) / scale / scale;
    }
  }
  return gramian;
}

// Whether the scaler will find gradients that are not finite, and leave the
// update out.
bool BalancedRoute::overflows(const Step& step) const {
  bool is_finite = true;
  for (int64_t i = 0; i < step.gramian->size(); ++i) {
    is_finite = is_finite && std::isfinite((*step.gramian)(i, i));
  }
  const auto& scaler = context_.options.grad_scaler();
  return scaler && scaler->is_enabled() && !is_finite;
}

// What would make gradients that are not finite.
void BalancedRoute::check_weights(const Step& step) const {
  const auto type = step.losses.scalar_type();
  const auto& weights = step.weights.host();
  for (size_t i = 0; i < weights.size(); ++i) {
    TORCH_CHECK_VALUE(
        std::abs(weights[i]) <= largest_of(type),
        "training: the balancing '",
        context_.options.balancing()->name(),
        "' gives task '",
        context_.model->task_names()[static_cast<size_t>(step.tasks[i].task)],
        "' the weight ",
        weights[i],
        ", which is too large for ",
        type,
        ".");
  }
}

void BalancedRoute::follow_jacobian(Step& step) {
  auto& method = *context_.options.balancing();
  const bool has_weights = method.reads() == Reads::kGramian;
  TORCH_CHECK_VALUE(
      has_weights ||
          context_.options.head_gradients() != HeadGradients::kWeighted,
      "training: the balancing '",
      method.name(),
      "' has no weights that the heads could have.");
  const double scale = context_.loss_scale();
  torch::Tensor jacobian = step.gradients.jacobian();
  if (scale != 1) {
    jacobian = jacobian / scale;
    if (!jacobian.isfinite().all().item<bool>()) {
      step.gradients.publish_direction(jacobian.sum(0)); // not finite either
      return;
    }
  }
  if (context_.options.report_gradients()) {
    GramianSum sum(jacobian.size(0));
    sum.add_rows(jacobian);
    step.gramian = sum.value();
  }
  const auto sizes = step.gradients.block_sizes();
  step.extras["parameter_sizes"] = torch::tensor(sizes, torch::kLong);
  if (!has_weights) {
    auto& combining = static_cast<balancing::JacobianBalancing&>(method);
    const torch::Tensor direction = combining.direction(jacobian, step.extras);
    step.gradients.publish_direction(
        scale == 1 ? direction : direction * scale);
    return;
  }
  auto& weighing = static_cast<balancing::GramianBalancing&>(method);
  const torch::Tensor direction = weighing.direction(jacobian, step.extras);
  step.weights = weighing.last_weights();
  if (weighs_heads()) {
    step.gradients.scale_heads(step.weights);
  }
  step.gradients.publish_direction(scale == 1 ? direction : direction * scale);
}

void BalancedRoute::weigh(Step& step) {
  auto& method = *context_.options.balancing();
  const torch::Tensor losses = weighted(step.losses, step.tasks);
  if (method.wants_losses()) {
    step.extras["losses"] = losses;
  }
  if (method.reads() == Reads::kLosses) {
    weigh_by_losses(step);
  } else if (method.reads() == Reads::kGramian && method.batches() == 1) {
    weigh_gradients(step);
  }
}

void BalancedRoute::finish(Step& step) {
  if (step.weights.empty()) {
    follow_jacobian(step);
  } else {
    if (weighs_heads()) {
      step.gradients.scale_heads(step.weights);
    }
    step.gradients.publish_weighted(step.weights);
  }
}

torch::Tensor BalancedRoute::losses_now(const MicroBatches& all) {
  torch::NoGradGuard no_grad;
  torch::Tensor sum = torch::zeros(
      {static_cast<int64_t>(all.tasks.size())}, context_.tensor_options());
  const auto add_all = [&] {
    for (const MicroBatch& batch : all.batches) {
      if (batch.steps.empty()) {
        continue;
      }
      const auto losses = losses_of(context_, batch.steps, batch.share_input);
      const auto places = all.places(batch);
      for (size_t i = 0; i < losses.size(); ++i) {
        sum.select(0, places[i]).add_(losses[i], batch.steps[i].weight);
      }
    }
  };
  if (!context_.peers.are_some()) {
    add_all();
    return sum;
  }
  const auto sums = context_.peers.sum_after(
      all.tasks.size(), [&](std::vector<double>& numbers) {
        add_all();
        copy_to_host(sum, numbers.data());
      });
  return host_vector(sums, sum.options());
}

// The batch was counted by the first forward, so buffers are put back.
void BalancedRoute::observe_after(const MicroBatches& all) {
  auto& method = *context_.options.balancing();
  buffers_.save(context_.plan().buffers());
  std::string failed;
  try {
    const auto present = places(all.tasks);
    const torch::Tensor losses = losses_now(all);
    method.with_tasks(present, [&] { method.observe_after(losses); });
  } catch (const c10::ValueError&) {
    // What is wrong with a loss now is the next step's error.
  } catch (const c10::DistError&) {
    buffers_.put_back();
    throw; // there is no next step
  } catch (const c10::Error& error) {
    failed = error.what_without_backtrace();
  } catch (const std::exception& error) {
    failed = error.what();
  }
  buffers_.put_back();
  if (!failed.empty() && !warned_of_second_look_) {
    say_once(
        warned_of_second_look_,
        "training: the balancing '" + method.name() +
            "' could not look at the losses after the update, and learned "
            "nothing from it: " +
            failed);
  }
}

Taken BalancedRoute::take(Step& step) {
  auto& method = *context_.options.balancing();
  step.gradients.backward_heads();
  if (method.reads() == Reads::kJacobian) {
    method.expect_blocks(step.gradients.block_sizes());
  }
  const auto present = places(step.tasks);
  const balancing::detail::TaskLabels all(context_.model->task_names());
  const balancing::detail::TaskLabels some(present);
  const auto act = [&] {
    method.with_tasks(present, [&] {
      weigh(step);
      finish(step);
    });
  };
  if (step.gradients.publishes_by_graph()) {
    with_method_kept(method, act);
  } else {
    act();
  }
  context_.own_loss->publish();
  return {
      balanced_report(
          context_.model->size(),
          step.tasks,
          step.losses,
          step.weights,
          step.gramian),
      /*learns=*/true,
      &step.gradients.choice()};
}

Taken BalancedRoute::backward(const HeadSteps& tasks, bool share_input) {
  check_batches(context_, 1);
  if (tasks.empty()) {
    context_.reset_gradients();
    const WeightedLosses none(
        context_.model->size(), context_.tensor_options());
    return {none.report(), /*learns=*/false, &first_choice_};
  }
  Step step = begin(tasks, share_input, gradients_->of(tasks, share_input));
  return take(step);
}

// What looks at all columns needs all of them.
bool BalancedRoute::finds_own_columns() const {
  const auto& method = *context_.options.balancing();
  return context_.peers.are_some() && method.reads() == Reads::kJacobian &&
      static_cast<const balancing::JacobianBalancing&>(method).is_separable() &&
      !context_.options.report_gradients() && !context_.options.grad_scaler();
}

Taken BalancedRoute::backward(const MicroBatches& all) {
  auto& method = *context_.options.balancing();
  check_batches(context_, 1);
  if (all.tasks.empty()) {
    return backward(all.tasks, /*share_input=*/false);
  }
  check_still_prepared(context_);
  bool needs_rows = method.reads() != Reads::kLosses;
  if (needs_rows) {
    method.with_tasks(
        places(all.tasks), [&] { needs_rows = method.wants_gradients(); });
  }
  AccumulatedGradients gradients(
      context_,
      all,
      [this](const HeadSteps& tasks, bool share_input) -> TaskGradients& {
        return gradients_->of(tasks, share_input);
      },
      needs_rows,
      weighs_heads());
  Step step = begin(all.tasks, /*share_input=*/false, gradients);
  if (finds_own_columns()) {
    step.extras = gradients.take_own_columns();
  }
  Taken taken;
  const auto take_all = [&] {
    return context_.sum_gradients_after(1, [&](std::vector<double>& numbers) {
      taken = take(step);
      numbers[0] = context_.own_loss->number();
    });
  };
  if (context_.peers.are_some()) {
    // Another rank may refuse what this one has taken.
    const auto sums = with_method_kept(method, take_all);
    context_.own_loss->note(sums[0], context_.tensor_options());
  } else {
    take_all();
  }
  of_accumulated_ = gradients.choice();
  taken.route = &of_accumulated_;
  return taken;
}

Taken BalancedRoute::backward(const std::vector<Batch>& batches) {
  check_batches(context_, static_cast<int64_t>(batches.size()));
  if (bilevel_) {
    return bilevel_->backward(batches);
  }
  context_.own_loss->reset(static_cast<int64_t>(batches.size()));
  balancing::Extras extras;
  HeadSteps tasks;
  std::vector<int64_t> present;
  for (size_t i = 0; i < batches.size(); ++i) {
    context_.collect(batches[i], tasks);
    TORCH_CHECK_VALUE(
        !tasks.empty(), "training: batch ", i, " has no label at all.");
    TORCH_CHECK_VALUE(
        i == 0 || places(tasks) == present,
        "training: expected labels of the same tasks in all batches of a step, "
        "but batch ",
        i,
        " has other ones.");
    present = places(tasks);
    const bool share_input = batches[i].shares_input();
    Step step = begin(tasks, share_input, gradients_->of(tasks, share_input));
    if (i + 1 == batches.size()) {
      step.extras = extras;
      return take(step);
    }
    step.gradients.backward_heads();
    extras["jacobian_" + std::to_string(i + 1)] =
        step.gradients.jacobian().clone();
  }
  return {};
}

} // namespace polytask::detail
