// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/task_tally.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>
#include <torch/serialize.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/in_double.h"

namespace polytask::fit::detail {

namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kManyStates = 64;
// Whether there was a row, labels, their weight, and the loss times it.
constexpr size_t kSums = 4;

} // namespace

void TaskTally::add(const at::Tensor& output, const Labels& given) {
  const int64_t ignored = task_.loss().function().ignore_index();
  const Labels labels = given.ignore_index() == ignored
      ? given
      : given.with_ignore_index(ignored);
  seen_ = true;
  const double weight = task_.loss().function().total_weight(labels);
  if (weight == 0) {
    return;
  }
  labels_ += labels.present();
  weights_.push_back(weight);
  losses_.push_back(task_.loss()(output, labels).detach());
  if (states_.empty()) {
    return;
  }
  const at::Tensor values = output.detach();
  if (!joined_.has_room_for(values, labels)) {
    finish();
  }
  if (joins_rows_ && joined_.has_room_for(values, labels)) {
    joined_.add(values, labels);
  } else {
    observe(values, labels);
  }
}

void TaskTally::finish() {
  if (!joined_.is_empty()) {
    const auto [output, labels] = joined_.take();
    observe(output, labels);
  }
}

void TaskTally::observe(const at::Tensor& output, const Labels& labels) {
  for (size_t i = 0; i < states_.size(); ++i) {
    auto& states = states_[i];
    states.push_back(task_.metrics()[i]->observe(output, labels));
    // Sums need no room; rows are joined once.
    if (states.size() >= kManyStates && states.back().rows.empty()) {
      states = {task_.metrics()[i]->merge(states)};
    }
  }
}

at::Tensor TaskTally::mean_loss() const {
  const at::Tensor losses =
      polytask::detail::in_double(at::stack(losses_).flatten());
  at::Tensor weights =
      at::empty({losses.size(0)}, at::TensorOptions(at::kDouble));
  std::copy(
      weights_.begin(), weights_.end(), weights.mutable_data_ptr<double>());
  weights /= weights.sum();
  return losses.dot(weights.to(losses.device()));
}

std::vector<at::Tensor> TaskTally::values() const {
  if (losses_.empty()) {
    return {};
  }
  std::vector<at::Tensor> values{mean_loss()};
  for (size_t i = 0; i < states_.size(); ++i) {
    const Metric& metric = *task_.metrics()[i];
    const at::Tensor value = metric.value(metric.merge(states_[i]));
    values.push_back(
        polytask::detail::in_double(value).to(values[0].device()).squeeze());
  }
  return values;
}

Evaluation::TaskValues TaskTally::report(
    const std::string& name, const double* values) const {
  const auto next = [&] { return values ? *values++ : kNotKnown; };
  Evaluation::TaskValues report{name, labels_, {{"loss", next(), false}}};
  for (const auto& metric : task_.metrics()) {
    report.values.push_back(
        {metric->name(), next(), metric->higher_is_better()});
  }
  return report;
}

void TaskTally::write_sums(double* sums) const {
  sums[0] = seen_ ? 1 : 0;
  if (!losses_.empty()) {
    sums[1] = static_cast<double>(labels_);
    sums[2] = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    sums[3] = sums[2] * mean_loss().item<double>();
  }
}

void TaskTally::take_sums(const double* sums) {
  seen_ = sums[0] > 0;
  labels_ = static_cast<int64_t>(sums[1]);
  losses_.clear();
  weights_.clear();
  if (sums[2] > 0) {
    losses_.push_back(at::full({}, sums[3] / sums[2], at::kDouble));
    weights_.push_back(1);
  }
}

// For each metric what it keeps of these rows, on the CPU, or nothing.
c10::IValue TaskTally::kept() const {
  c10::List<c10::IValue> all(c10::AnyType::get());
  const auto on_cpu = [](const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> moved;
    for (const auto& tensor : tensors) {
      moved.push_back(tensor.to(at::kCPU));
    }
    return moved;
  };
  for (size_t i = 0; i < states_.size(); ++i) {
    if (states_[i].empty()) {
      all.push_back(c10::IValue());
      continue;
    }
    const MetricState state = task_.metrics()[i]->merge(states_[i]);
    all.push_back(
        c10::ivalue::Tuple::create(on_cpu(state.sums), on_cpu(state.rows)));
  }
  return all;
}

void TaskTally::take_kept(const c10::IValue& kept) {
  const auto all = kept.toListRef();
  TORCH_CHECK_VALUE(
      all.size() == states_.size(),
      "evaluate: expected ",
      states_.size(),
      " metrics on all ranks, but another has ",
      all.size(),
      ".");
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].isNone()) {
      const auto& parts = all[i].toTupleRef().elements();
      states_[i].push_back(
          {parts[0].toTensorVector(), parts[1].toTensorVector()});
    }
  }
}

void TaskTally::add_up(
    std::vector<TaskTally>& tallies, const polytask::detail::Peers& peers) {
  std::string own;
  const auto sums = peers.sum_after(
      kSums * tallies.size(), [&](std::vector<double>& numbers) {
        c10::List<c10::IValue> all(c10::AnyType::get());
        for (size_t i = 0; i < tallies.size(); ++i) {
          tallies[i].write_sums(&numbers[kSums * i]);
          all.push_back(tallies[i].kept());
        }
        const auto bytes = torch::pickle_save(all);
        own.assign(bytes.begin(), bytes.end());
      });
  const auto of_all = peers.of_all(own);
  for (size_t i = 0; i < tallies.size(); ++i) {
    tallies[i].take_sums(&sums[kSums * i]);
    tallies[i].states_.assign(tallies[i].states_.size(), {});
  }
  for (const std::string& kept : of_all) {
    const auto all = torch::pickle_load({kept.begin(), kept.end()});
    for (size_t i = 0; i < tallies.size(); ++i) {
      tallies[i].take_kept(all.toListRef()[i]);
    }
  }
}

} // namespace polytask::fit::detail
