// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "accumulated_gradients.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <numeric>
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
      weighs_heads_(weighs_heads),
      used_(context.plan().shared().size(), false) {
  choice_.reason = "no label on this rank";
  int64_t count = 0;
  for (const MicroBatch& batch : all.batches) {
    if (!batch.steps.empty()) {
      only_ = ++count == 1 ? &batch : nullptr;
    }
  }
  needs_second_pass_ = count > 1 && (!needs_rows || weighs_heads);
}

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

TaskGradients& AccumulatedGradients::forward(const MicroBatch& batch) {
  TaskGradients& own = choose_(batch.steps, batch.share_input);
  add_losses(batch, own.forward(batch.steps, batch.share_input));
  of_only_ = only_ != nullptr ? &own : nullptr;
  return own;
}

RouteChoice AccumulatedGradients::add_rows(const MicroBatch& batch) {
  TaskGradients& own = forward(batch);
  own.backward_heads();
  const torch::Tensor rows = own.jacobian();
  if (only_ != nullptr && batch.steps.size() == all_.tasks.size()) {
    rows_ = rows;
  } else {
    if (!rows_.defined()) {
      rows_ = torch::zeros(
          {static_cast<int64_t>(all_.tasks.size()), rows.size(1)},
          rows.options());
    }
    rows_.index_add_(0, index_of(all_.places(batch), rows.device()), rows);
  }
  const auto used = own.used();
  for (size_t i = 0; i < used.size(); ++i) {
    used_[i] = used_[i] || used[i];
  }
  if (!weighs_heads_) {
    own.publish_strays(); // else as heads, when there are weights
  }
  return own.choice();
}

void AccumulatedGradients::add_all_rows() {
  const auto add_all = [this] {
    for (const MicroBatch& batch : all_.batches) {
      if (!batch.steps.empty()) {
        choice_ =
            kept_.add_to(context_.plan(), [&] { return add_rows(batch); });
      }
    }
  };
  if (!needs_second_pass_) {
    add_all();
    return;
  }
  buffers_.guard(context_.plan().buffers(), add_all);
  buffers_.put_back();
  context_.reset_gradients();
}

// The losses of all processes, and which parameters some of them use.
template <typename Local>
void AccumulatedGradients::sum_after(const Local& local) {
  const Peers& peers = context_.peers;
  const size_t tasks = all_.tasks.size();
  const auto sums =
      peers.sum_after(tasks + used_.size(), [&](std::vector<double>& numbers) {
        local();
        if (!peers.are_some()) {
          return;
        }
        if (losses_.defined()) {
          copy_to_host(losses_, numbers.data());
        }
        std::ranges::copy(used_, numbers.begin() + static_cast<int64_t>(tasks));
      });
  if (!peers.are_some()) {
    return;
  }
  losses_ = host_vector(
      {sums.begin(), sums.begin() + static_cast<int64_t>(tasks)},
      losses_.defined() ? losses_.options() : context_.tensor_options());
  for (size_t i = 0; i < used_.size(); ++i) {
    used_[i] = sums[tasks + i] > 0;
  }
}

int64_t AccumulatedGradients::columns() const {
  const auto sizes = block_sizes();
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
}

torch::Tensor AccumulatedGradients::forward(
    const HeadSteps& /*steps*/, bool /*share_input*/) {
  if (needs_second_pass_) {
    random_ = RandomState::capture();
  }
  sum_after([this] {
    if (needs_rows_) {
      add_all_rows();
    } else if (only_ != nullptr) {
      forward(*only_);
    } else {
      look_at_losses();
    }
  });
  if (needs_rows_ && context_.peers.are_some()) {
    const torch::NoGradGuard no_grad;
    if (!rows_.defined()) {
      rows_ = torch::zeros(
          {static_cast<int64_t>(all_.tasks.size()), columns()},
          context_.tensor_options());
    }
    rows_ = context_.peers.sum_own_columns(rows_);
  }
  return losses_;
}

math::Matrix AccumulatedGradients::gramian() {
  GramianSum sum(rows_.size(0));
  sum.add_rows(rows_);
  math::Matrix own = sum.value();
  if (context_.peers.are_some()) {
    torch::Tensor numbers =
        torch::from_blob(own.data(), {own.size(), own.size()}, torch::kDouble);
    context_.peers.sum(numbers);
  }
  return own;
}

int64_t AccumulatedGradients::first_own_column() const {
  return std::min(context_.peers.rank() * rows_.size(1), columns());
}

int64_t AccumulatedGradients::own_columns() const {
  return std::min(rows_.size(1), columns() - first_own_column());
}

balancing::Extras AccumulatedGradients::take_own_columns() {
  by_columns_ = true;
  return {
      {"columns",
       torch::tensor({first_own_column(), columns()}, torch::kLong)}};
}

torch::Tensor AccumulatedGradients::jacobian() {
  if (by_columns_) {
    return rows_.narrow(1, 0, own_columns());
  }
  return context_.peers.are_some()
      ? context_.peers.gather_columns(rows_, columns())
      : rows_;
}

void AccumulatedGradients::scale_heads(const TaskWeights& weights) {
  head_weights_ = weights;
  if (needs_rows_ && of_only_ != nullptr) {
    of_only_->scale_heads(weights.select(all_.places(*only_)));
    of_only_->publish_strays();
  }
}

RouteChoice AccumulatedGradients::publish_own(
    TaskGradients& own, const MicroBatch& batch, const TaskWeights& weights) {
  const auto places = all_.places(batch);
  own.backward_heads();
  if (!head_weights_.empty()) {
    own.scale_heads(head_weights_.select(places));
  }
  own.publish_weighted(weights.select(places));
  return own.choice();
}

void AccumulatedGradients::take_second_pass(const TaskWeights& weights) {
  random_.restore();
  context_.own_loss->forget(); // of the first pass
  for (const MicroBatch& batch : all_.batches) {
    if (!batch.steps.empty()) {
      choice_ = kept_.add_to(context_.plan(), [&] {
        TaskGradients& own = choose_(batch.steps, batch.share_input);
        own.forward(batch.steps, batch.share_input);
        return publish_own(own, batch, weights);
      });
    }
  }
}

void AccumulatedGradients::publish_weighted(const TaskWeights& weights) {
  if (needs_second_pass_) {
    take_second_pass(weights);
  } else if (!needs_rows_ && of_only_ != nullptr) {
    choice_ = publish_own(*of_only_, *only_, weights);
  }
  // Of several processes, what is shared then comes from the columns.
  if (needs_rows_ && (context_.peers.are_some() || !needs_second_pass_)) {
    publish(torch::mv(rows_.t(), weights.as(rows_.options())));
  }
}

void AccumulatedGradients::publish_direction(const torch::Tensor& direction) {
  const bool is_whole = !context_.peers.are_some() || by_columns_;
  publish(
      is_whole ? direction
               : direction.narrow(0, first_own_column(), own_columns()));
}

// A vector [N], or this process's part of it.
void AccumulatedGradients::publish(const torch::Tensor& part) {
  const torch::NoGradGuard no_grad;
  torch::Tensor direction = part;
  if (context_.peers.are_some()) {
    direction = torch::zeros({columns()}, part.options());
    direction.narrow(0, first_own_column(), own_columns())
        .copy_(part.narrow(0, 0, own_columns()));
  }
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
