// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/task_owners.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <set>

namespace polytask {

namespace {

using Rows = std::vector<std::pair<std::string, int64_t>>;

// a.first / a.second < b.first / b.second, without rounding.
bool is_less(
    const std::pair<int64_t, int64_t>& a,
    const std::pair<int64_t, int64_t>& b) {
  return static_cast<double>(a.first) * static_cast<double>(b.second) <
      static_cast<double>(b.first) * static_cast<double>(a.second);
}

std::vector<TaskOwners::Group> a_group_each(const Rows& rows, int64_t size) {
  std::vector<TaskOwners::Group> groups;
  for (const auto& [task, count] : rows) {
    groups.push_back({{task}, 1});
  }
  for (auto left = size - static_cast<int64_t>(rows.size()); left > 0; --left) {
    size_t most = 0;
    for (size_t i = 1; i < rows.size(); ++i) {
      if (is_less(
              {rows[most].second, groups[most].ranks},
              {rows[i].second, groups[i].ranks})) {
        most = i;
      }
    }
    ++groups[most].ranks;
  }
  return groups;
}

std::vector<TaskOwners::Group> some_each(Rows rows, int64_t size) {
  std::ranges::stable_sort(rows, std::greater{}, &Rows::value_type::second);
  std::vector<TaskOwners::Group> groups(static_cast<size_t>(size));
  std::vector<int64_t> loads(groups.size(), 0);
  for (const auto& [task, count] : rows) {
    const auto least = std::ranges::min_element(loads) - loads.begin();
    groups[static_cast<size_t>(least)].tasks.push_back(task);
    loads[static_cast<size_t>(least)] += count;
  }
  return groups;
}

} // namespace

TaskOwners::TaskOwners(std::vector<Group> groups) : groups_(std::move(groups)) {
  std::set<std::string> seen;
  for (const Group& group : groups_) {
    TORCH_CHECK_VALUE(
        group.ranks >= 1 && !group.tasks.empty(),
        "TaskOwners: expected a rank and a task in each group, but one has ",
        group.ranks,
        " ranks and ",
        group.tasks.size(),
        " tasks.");
    for (const auto& task : group.tasks) {
      TORCH_CHECK_VALUE(
          seen.insert(task).second,
          "TaskOwners: task '",
          task,
          "' has owners twice.");
    }
  }
}

TaskOwners TaskOwners::in_proportion(const Rows& rows, int64_t size) {
  TORCH_CHECK_VALUE(
      !rows.empty() && size >= 1,
      "TaskOwners::in_proportion: expected tasks and ranks, but got ",
      rows.size(),
      " and ",
      size,
      ".");
  for (const auto& [task, count] : rows) {
    TORCH_CHECK_VALUE(
        count >= 1,
        "TaskOwners::in_proportion: expected rows of task '",
        task,
        "', but got ",
        count,
        ".");
  }
  return TaskOwners(
      static_cast<int64_t>(rows.size()) <= size ? a_group_each(rows, size)
                                                : some_each(rows, size));
}

int64_t TaskOwners::ranks() const {
  int64_t all = 0;
  for (const Group& group : groups_) {
    all += group.ranks;
  }
  return all;
}

int64_t TaskOwners::place_of(int64_t rank) const {
  const int64_t group = group_of(rank);
  int64_t place = rank;
  for (int64_t i = 0; i < group; ++i) {
    place -= groups_[static_cast<size_t>(i)].ranks;
  }
  return place;
}

int64_t TaskOwners::group_of(int64_t rank) const {
  int64_t behind = 0;
  for (size_t i = 0; i < groups_.size() && rank >= 0; ++i) {
    behind += groups_[i].ranks;
    if (rank < behind) {
      return static_cast<int64_t>(i);
    }
  }
  TORCH_CHECK_VALUE(
      false,
      "TaskOwners: expected a rank from 0 to ",
      ranks() - 1,
      ", but got ",
      rank,
      ".");
}

} // namespace polytask
