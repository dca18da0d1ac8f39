// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "own_tasks.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "core/tensor_hash.h"
#include "core/tensor_sets.h"
#include "optim/parameter_states.h"

namespace polytask::detail {

namespace {

using Tensors = std::vector<torch::Tensor>;

double squared_norm(const Tensors& parameters) {
  double sum = 0;
  for (const auto& parameter : parameters) {
    if (parameter.grad().defined()) {
      sum += std::pow(
          at::linalg_vector_norm(
              parameter.grad(), 2, std::nullopt, false, torch::kDouble)
              .item<double>(),
          2);
    }
  }
  return sum;
}

} // namespace

std::string OwnTasks::description() const {
  std::string text;
  for (const auto& group : owners_.groups()) {
    text += c10::str(group.ranks, " ranks for");
    for (const auto& task : group.tasks) {
      text += " '" + task + "'";
    }
    text += "; ";
  }
  return text;
}

void OwnTasks::bind(
    const MultiTaskModel& model, const Plan& plan, const Peers& all) {
  summed_by_all_ = joined({plan.parameters(), plan.foreign()});
  if (are_all()) {
    return;
  }
  TORCH_CHECK_VALUE(
      owners_.ranks() == all.size(),
      "training: expected task_owners for ",
      all.size(),
      " ranks, but they are for ",
      owners_.ranks(),
      ".");
  std::set<std::string> missing(
      model->task_names().begin(), model->task_names().end());
  for (const auto& group : owners_.groups()) {
    for (const auto& task : group.tasks) {
      TORCH_CHECK_VALUE(
          missing.erase(task) == 1,
          "training: task_owners has the task '",
          task,
          "', and the model not.");
    }
  }
  TORCH_CHECK_VALUE(
      missing.empty(),
      "training: task '",
      missing.empty() ? "" : *missing.begin(),
      "' has no owner in task_owners.");
  group_ = static_cast<size_t>(owners_.group_of(all.rank()));
  has_.assign(static_cast<size_t>(model->size()), false);
  for (const auto& name : owners_.groups()[group_].tasks) {
    has_[static_cast<size_t>(model->index(name))] = true;
  }
  std::vector<Tensors> of_tasks;
  std::vector<Tensors> of_own_tasks;
  for (int64_t task = 0; task < model->size(); ++task) {
    for (const Tensors& part : {plan.own(task), plan.gates(task)}) {
      of_tasks.push_back(part);
      if (has(task)) {
        of_own_tasks.push_back(part);
      }
    }
  }
  summed_by_all_ = without(summed_by_all_, joined(of_tasks));
  summed_by_owners_ = joined(of_own_tasks);
}

void OwnTasks::join(
    const MultiTaskModel& model, const std::shared_ptr<Communicator>& all) {
  if (all && all->size() > 1) {
    note_buffers(model);
  }
  if (!are_all() && all) {
    of_group_ = Peers(all->split(static_cast<int64_t>(group_)));
  }
}

void OwnTasks::refuse(const std::string& name) const {
  TORCH_CHECK_VALUE(
      false,
      "training: these rows have labels of task '",
      name,
      "', which task_owners gives to other ranks.");
}

std::optional<double> OwnTasks::norm(
    const Tensors& parameters, const Peers& all) const {
  if (are_all()) {
    return std::nullopt;
  }
  const Tensors shared = without(parameters, summed_by_owners_);
  const auto squares =
      all.sum_after(groups() + 1, [&](std::vector<double>& numbers) {
        if (owners_.place_of(all.rank()) == 0) {
          numbers[group_] = squared_norm(without(parameters, shared));
        }
        if (all.rank() == 0) {
          numbers[groups()] = squared_norm(shared);
        }
      });
  return std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0));
}

void OwnTasks::note_buffers(const MultiTaskModel& model) {
  noted_.clear();
  for (const auto& buffer : model->buffers()) {
    noted_[buffer.unsafeGetTensorImpl()] = hash_of(buffer);
  }
}

// Of each buffer the values of the first rank that has changed it: rank 0's
// where all have, an owner's where those of other tasks saw no row for it.
void OwnTasks::gather_buffers(const MultiTaskModel& model, const Peers& all) {
  const Tensors buffers = unique_tensors(model->buffers());
  std::string changed;
  for (const auto& buffer : buffers) {
    const auto noted = noted_.find(buffer.unsafeGetTensorImpl());
    const bool is_same =
        noted != noted_.end() && noted->second == hash_of(buffer);
    changed += is_same ? '0' : '1';
  }
  const auto of_all = all.of_all(changed);
  std::map<int64_t, Tensors> sources;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const auto first = std::ranges::find_if(
        of_all, [&](const std::string& flags) { return flags[i] == '1'; });
    sources[first == of_all.end() ? 0 : first - of_all.begin()].push_back(
        buffers[i]);
  }
  for (const auto& [rank, own] : sources) {
    all.broadcast(own, rank);
  }
  note_buffers(model);
}

void OwnTasks::gather(
    const MultiTaskModel& model,
    torch::optim::Optimizer& optimizer,
    const Peers& all) {
  if (!all.are_some()) {
    return;
  }
  gather_buffers(model, all);
  int64_t first = 0;
  for (const auto& group : owners_.groups()) {
    std::vector<Tensors> of_tasks;
    for (const auto& task : group.tasks) {
      of_tasks.push_back(model->task_parameters(task));
    }
    const Tensors parameters = joined(of_tasks);
    all.broadcast(parameters, first);
    std::string states;
    all.sum_after(0, [&](std::vector<double>&) {
      if (all.rank() == first) {
        states = optim::detail::states_of(optimizer, parameters);
      }
    });
    states = all.of_rank(first, states);
    all.sum_after(0, [&](std::vector<double>&) {
      if (&group != &owners_.groups()[group_]) {
        optim::detail::load_states(optimizer, parameters, states);
      }
    });
    first += group.ranks;
  }
}

} // namespace polytask::detail
