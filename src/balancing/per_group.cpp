// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/per_group.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/loss_balancing.h>

#include "checks.h"
#include "describe.h"
#include "extras.h"
#include "host.h"
#include "task_labels.h"

namespace polytask::balancing {

namespace {

struct PerGroupSettings {
  std::shared_ptr<Balancing> method;
  std::vector<int64_t> sizes;
  bool keeps_zeros = false;
};

at::Tensor group_direction(
    Balancing& method, const at::Tensor& columns, const Extras& extras) {
  switch (method.reads()) {
    case Reads::kLosses:
      return static_cast<LossBalancing&>(method).direction(columns, extras);
    case Reads::kGramian:
      return static_cast<GramianBalancing&>(method).direction(columns, extras);
    default:
      return static_cast<JacobianBalancing&>(method).direction(columns, extras);
  }
}

// Orders in which tasks meet each other, of and among `users` only.
at::Tensor orders_among(
    const at::Tensor& orders, const std::vector<int64_t>& users) {
  const at::Tensor here = orders.to(at::kCPU).to(at::kLong);
  std::vector<at::Tensor> kept;
  for (const int64_t task : users) {
    std::vector<int64_t> order;
    const at::Tensor row = here.select(0, task).contiguous();
    for (int64_t i = 0; i < row.numel(); ++i) {
      const auto place = std::find(
          users.begin(), users.end(), row.const_data_ptr<int64_t>()[i]);
      if (place != users.end()) {
        order.push_back(place - users.begin());
      }
    }
    kept.push_back(at::tensor(order, at::kLong));
  }
  return at::stack(kept);
}

// Of each group, the tasks whose gradients are not zero there; waits for the
// device once.
std::vector<std::vector<int64_t>> users_of_groups(
    const at::Tensor& jacobian,
    const std::vector<int64_t>& sizes,
    const std::string& who) {
  std::vector<at::Tensor> lengths;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    lengths.push_back(jacobian.narrow(1, begin, size).abs().sum(1));
    begin += size;
  }
  const auto values = detail::host_values(at::cat(lengths), who);
  std::vector<std::vector<int64_t>> users(sizes.size());
  auto value = values.begin();
  for (auto& of_group : users) {
    for (int64_t task = 0; task < jacobian.size(0); ++task) {
      if (*value++ != 0) {
        of_group.push_back(task);
      }
    }
  }
  return users;
}

// A task that does not use the group's parameters has no say there.
at::Tensor group_of_users(
    Balancing& method,
    const std::vector<int64_t>& users,
    const at::Tensor& columns,
    const Extras& extras) {
  const int64_t tasks = columns.size(0);
  const auto count = static_cast<int64_t>(users.size());
  if (count == 0) {
    return at::zeros({columns.size(1)}, columns.options());
  }
  if (count == tasks) {
    return group_direction(method, columns, extras);
  }
  const at::Tensor index = at::tensor(users, at::kLong).to(columns.device());
  Extras own = extras;
  for (auto& [name, extra] : own) {
    const bool is_by_task =
        name != "uniform" && extra.dim() > 0 && extra.size(0) == tasks;
    if (is_by_task && (name == "orders" || name == "permutations")) {
      extra = orders_among(extra, users);
    } else if (is_by_task) {
      extra = extra.index_select(0, index.to(extra.device()));
    }
  }
  method.prepare(tasks);
  at::Tensor direction;
  const detail::TaskLabels labels(users);
  method.with_tasks(users, [&] {
    direction = group_direction(method, columns.index_select(0, index), own);
  });
  return direction;
}

bool is_cut_by_columns(const std::string& name) {
  return name == "uniform" || name == "jacobian_1" || name == "jacobian_2" ||
      name == "jacobian_3";
}

} // namespace

PerGroup::PerGroup(
    std::unique_ptr<Balancing> method, std::vector<int64_t> sizes)
    : sizes_(std::move(sizes)) {
  TORCH_CHECK_VALUE(
      method && method->reads() != Reads::kBilevel,
      name(),
      ": expected a method of losses, a Gramian or a Jacobian.");
  blocks_.emplace_back(std::move(method));
  check_options();
  make_parts(static_cast<int64_t>(sizes_.size()));
}

const detail::Description& PerGroup::description() {
  using namespace detail;
  static const Description made =
      Describe<PerGroupSettings>("per_group", "PerGroup")
          .with_inner("method", "", &PerGroupSettings::method, "the method")
          .option(
              "parameter_sizes",
              &PerGroupSettings::sizes,
              at_least(1),
              "columns of each block")
          .otherwise("those of the training")
          .option(
              "keep_zeros",
              &PerGroupSettings::keeps_zeros,
              from_to(0, 1),
              "tasks that do not use a block count there too")
          .made_of<PerGroup>(
              [](const PerGroup& method) {
                return PerGroupSettings{
                    borrowed(*method.blocks_.front()),
                    method.sizes_,
                    method.keeps_zeros_};
              },
              [](PerGroupSettings settings) {
                auto method = std::make_unique<PerGroup>(
                    settings.method->clone(), std::move(settings.sizes));
                method->keep_zeros(settings.keeps_zeros);
                return method;
              });
  return made;
}

std::vector<Balancing*> PerGroup::parts() const {
  std::vector<Balancing*> parts;
  for (const auto& block : blocks_) {
    parts.push_back(&*block);
  }
  return parts;
}

void PerGroup::make_parts(int64_t count) {
  if (blocks_.size() != 1) {
    return;
  }
  while (static_cast<int64_t>(blocks_.size()) < count) {
    blocks_.push_back(blocks_.front());
    // The blocks' random numbers are not to be the same.
    blocks_.back()->seed(static_cast<uint64_t>(random().uniform() * 0x1p53));
  }
}

void PerGroup::start() {
  TORCH_CHECK_VALUE(
      blocks_.front()->parameters().empty(),
      name(),
      ": '",
      blocks_.front()->name(),
      "' learns by the gradient of its value, which the groups do not have.");
}

bool PerGroup::wants_losses() const {
  return blocks_.front()->reads() == Reads::kLosses ||
      blocks_.front()->wants_losses();
}

bool PerGroup::wants_losses_after() const {
  return blocks_.front()->wants_losses_after();
}

void PerGroup::observe_after(const at::Tensor& losses) {
  for (size_t group = 0; group < blocks_.size(); ++group) {
    if (group < is_whole_.size() && is_whole_[group]) {
      blocks_[group]->observe_after(losses);
    }
  }
}

bool PerGroup::wants_representation() const {
  return blocks_.front()->wants_representation();
}

int64_t PerGroup::batches() const {
  return blocks_.front()->batches();
}

void PerGroup::end_epoch() {
  for (const auto& block : blocks_) {
    block->end_epoch();
  }
}

bool PerGroup::counts_epochs() const {
  return blocks_.front()->counts_epochs();
}

// Before the tasks of a step are chosen, so that all blocks know all tasks.
void PerGroup::expect_blocks(const std::vector<int64_t>& sizes) {
  if (sizes_.empty()) {
    make_parts(static_cast<int64_t>(sizes.size()));
  }
}

std::vector<int64_t> PerGroup::sizes_of(
    int64_t columns, const Extras& extras) const {
  std::vector<int64_t> sizes = sizes_;
  if (sizes.empty()) {
    const at::Tensor given =
        detail::need_extra(extras, "parameter_sizes", name())
            .to(at::kCPU)
            .to(at::kLong)
            .contiguous();
    sizes.assign(
        given.const_data_ptr<int64_t>(),
        given.const_data_ptr<int64_t>() + given.numel());
  }
  const auto sum = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  TORCH_CHECK_VALUE(
      sum == columns,
      name(),
      ": expected sizes of the sum ",
      columns,
      ", the Jacobian's columns, but theirs is ",
      sum,
      ".");
  return sizes;
}

at::Tensor PerGroup::combine(const at::Tensor& jacobian, const Extras& extras) {
  if (jacobian.size(1) == 0) {
    return at::zeros({0}, jacobian.options());
  }
  const auto sizes = sizes_of(jacobian.size(1), extras);
  make_parts(static_cast<int64_t>(sizes.size()));
  TORCH_CHECK_VALUE(
      sizes.size() == blocks_.size(),
      name(),
      ": keeps a state of ",
      blocks_.size(),
      " groups, but got ",
      sizes.size(),
      ".");
  const auto users = keeps_zeros_ ? std::vector<std::vector<int64_t>>()
                                  : users_of_groups(jacobian, sizes, name());
  is_whole_.assign(sizes.size(), true);
  std::vector<at::Tensor> directions;
  int64_t begin = 0;
  for (size_t group = 0; group < sizes.size(); ++group) {
    Extras own = extras;
    own.erase("parameter_sizes");
    for (auto& [name, extra] : own) {
      if (is_cut_by_columns(name) && extra.size(-1) == jacobian.size(1)) {
        extra = extra.narrow(-1, begin, sizes[group]);
      }
    }
    const at::Tensor columns = jacobian.narrow(1, begin, sizes[group]);
    is_whole_[group] = keeps_zeros_ ||
        static_cast<int64_t>(users[group].size()) == jacobian.size(0);
    directions.push_back(
        keeps_zeros_
            ? group_direction(*blocks_[group], columns, own)
            : group_of_users(*blocks_[group], users[group], columns, own));
    begin += sizes[group];
  }
  return at::cat(directions);
}

} // namespace polytask::balancing
