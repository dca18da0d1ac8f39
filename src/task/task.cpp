// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/task.h>

#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include <polytask/task/losses/mse.h>

namespace polytask {

Task::Task(Network head, Loss loss)
    : head_(std::move(head)), loss_(std::move(loss)) {}

Task::Task(LinearTask head) : Task(Network(std::move(head)), MSELoss()) {}

Task& Task::weight(double weight) {
  TORCH_CHECK_VALUE(
      std::isfinite(weight) && weight >= 0,
      "Task: expected a finite weight of at least 0, but got ",
      weight,
      ".");
  weight_ = weight;
  return *this;
}

Task Task::with_head(Network head) const {
  Task task = *this;
  task.head_ = std::move(head);
  return task;
}

} // namespace polytask
