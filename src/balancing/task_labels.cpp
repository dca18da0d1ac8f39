// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task_labels.h"

namespace polytask::balancing::detail {

namespace {

thread_local const TaskLabels* task_labels = nullptr;

} // namespace

TaskLabels::TaskLabels(const std::vector<std::string>& names)
    : names_(&names), outer_(task_labels) {
  task_labels = this;
}

TaskLabels::TaskLabels(const std::vector<int64_t>& places)
    : places_(&places), outer_(task_labels) {
  task_labels = this;
}

TaskLabels::~TaskLabels() {
  task_labels = outer_;
}

const std::string* TaskLabels::name_of(size_t place) const {
  if (names_) {
    return place < names_->size() ? &(*names_)[place] : nullptr;
  }
  return outer_ && place < places_->size()
      ? outer_->name_of(static_cast<size_t>((*places_)[place]))
      : nullptr;
}

std::string task_label(size_t place) {
  const std::string* name = task_labels ? task_labels->name_of(place) : nullptr;
  return name ? "task '" + *name + "'" : "task " + std::to_string(place);
}

} // namespace polytask::balancing::detail
