// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "accumulated_gradients.h"

#include <ATen/TensorOperators.h>

#include <utility>

#include "core/host_value.h"

#include "../features.h"
#include "gramian_sum.h"
#include "places.h"
#include "vectors.h"

namespace polytask::detail {

AccumulatedGradients::AccumulatedGradients(
    StepContext& context,
    const MicroBatches& all,
    Choose choose,
    bool needs_rows,
    bool weighs_heads)
    : context_(context),
      all_(all),
      choose_(std::move(choose)),
      needs_rows_(needs_rows),
      needs_second_pass_(!needs_rows || weighs_heads),
      used_(context.plan().shared().size(), false) {}

void AccumulatedGradients::add_losses(
    const MicroBatch& batch, const torch::Tensor& losses) {
  if (losses.device().is_cpu()) {
    const auto values = host_values(losses);
    for (size_t i = 0; i < values.size(); ++i) {
      context_.check_loss(batch.steps[i].task, values[i]);
    }
  }
  if (!losses_.defined()) {
    losses_ = torch::zeros(
        {static_cast<int64_t>(all_.tasks.size())}, losses.options());
  }
  losses_.index_add_(
      0,
      index_of(all_.places(batch), losses.device()),
      losses * host_vector(all_.parts(batch), losses.options()));
}

// Of all batches, before their gradients.
void AccumulatedGradients::look_at_losses() {
  const torch::NoGradGuard no_grad;
  buffers_.save(context_.plan().buffers());
  for (const MicroBatch& batch : all_.batches) {
    if (batch.steps.empty()) {
      continue;
    }
    add_losses(
        batch,
        torch::stack(losses_of(context_, batch.steps, batch.share_input)));
  }
  buffers_.put_back();
}

RouteChoice AccumulatedGradients::add_rows(const MicroBatch& batch) {
  TaskGradients& own = choose_(batch.steps, batch.share_input);
  add_losses(batch, own.forward(batch.steps, batch.share_input));
  own.backward_heads();
  const torch::Tensor rows = own.jacobian();
  if (!rows_.defined()) {
    rows_ = torch::zeros(
        {static_cast<int64_t>(all_.tasks.size()), rows.size(1)},
        rows.options());
  }
  rows_.index_add_(0, index_of(all_.places(batch), rows.device()), rows);
  const auto used = own.used();
  for (size_t i = 0; i < used.size(); ++i) {
    used_[i] = used_[i] || used[i];
  }
  if (!needs_second_pass_) {
    own.publish_strays();
  }
  return own.choice();
}

torch::Tensor AccumulatedGradients::forward(
    const HeadSteps& /*steps*/, bool /*share_input*/) {
  if (needs_second_pass_) {
    random_ = RandomState::capture();
  }
  if (!needs_rows_) {
    look_at_losses();
    return losses_;
  }
  const auto add_all = [this] {
    for (const MicroBatch& batch : all_.batches) {
      if (batch.steps.empty()) {
        continue;
      }
      choice_ = kept_.add_to(context_.plan(), [&] { return add_rows(batch); });
    }
  };
  if (needs_second_pass_) {
    buffers_.guard(context_.plan().buffers(), add_all);
    buffers_.put_back();
    context_.reset_gradients();
  } else {
    add_all();
  }
  return losses_;
}

math::Matrix AccumulatedGradients::gramian() {
  GramianSum sum(rows_.size(0));
  sum.add_rows(rows_);
  return sum.value();
}

void AccumulatedGradients::scale_heads(const TaskWeights& weights) {
  head_weights_ = weights;
}

RouteChoice AccumulatedGradients::take_weighted(
    const MicroBatch& batch, const TaskWeights& weights) {
  const auto places = all_.places(batch);
  TaskGradients& own = choose_(batch.steps, batch.share_input);
  own.forward(batch.steps, batch.share_input);
  own.backward_heads();
  if (!head_weights_.empty()) {
    own.scale_heads(head_weights_.select(places));
  }
  own.publish_weighted(weights.select(places));
  return own.choice();
}

void AccumulatedGradients::publish_weighted(const TaskWeights& weights) {
  if (!needs_second_pass_) {
    publish_direction(torch::mv(rows_.t(), weights.as(rows_.options())));
    return;
  }
  random_.restore();
  context_.own_loss->forget(); // of the first pass
  for (const MicroBatch& batch : all_.batches) {
    if (!batch.steps.empty()) {
      choice_ = kept_.add_to(
          context_.plan(), [&] { return take_weighted(batch, weights); });
    }
  }
}

void AccumulatedGradients::publish_direction(const torch::Tensor& direction) {
  const auto& shared = context_.plan().shared();
  set_flat_gradient(shared, direction);
  for (size_t i = 0; i < shared.size(); ++i) {
    if (!used_[i]) {
      shared[i].mutable_grad().reset();
    }
  }
}

std::vector<int64_t> AccumulatedGradients::block_sizes() const {
  return sizes_of(context_.plan().shared());
}

} // namespace polytask::detail
