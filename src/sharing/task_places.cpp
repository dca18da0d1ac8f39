// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/task_places.h"

#include <c10/util/Exception.h>

#include <string>

namespace polytask::detail {

namespace {

std::string called_sharing(const Sharing& sharing) {
  const std::string& name = sharing.name();
  const std::string library = "polytask::";
  return name.starts_with(library) ? name.substr(library.size()) : name;
}

} // namespace

size_t task_place(const Sharing& sharing, int64_t task) {
  const size_t count = sharing.tasks().size();
  TORCH_CHECK_INDEX(
      task >= 0 && static_cast<size_t>(task) < count,
      called_sharing(sharing),
      ": it serves ",
      count,
      " tasks, but was asked for the one at place ",
      task,
      ".");
  return static_cast<size_t>(task);
}

void check_all_tasks(const Sharing& sharing, int64_t tasks) {
  const size_t count = sharing.tasks().size();
  TORCH_CHECK_VALUE(
      tasks >= 0 && static_cast<size_t>(tasks) == count,
      called_sharing(sharing),
      ": it serves ",
      count,
      " tasks, but was asked for ",
      tasks,
      ".");
}

void check_any_place(const Sharing& sharing, int64_t task) {
  if (task < 0 || !sharing.tasks().empty()) {
    task_place(sharing, task);
  }
}

void check_any_number(const Sharing& sharing, int64_t tasks) {
  if (tasks < 0 || !sharing.tasks().empty()) {
    check_all_tasks(sharing, tasks);
  }
}

} // namespace polytask::detail
