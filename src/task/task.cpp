// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/task.h>

#include <c10/util/Exception.h>

#include <cmath>
#include <string>
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

Task& Task::metric(std::shared_ptr<const Metric> metric) {
  TORCH_CHECK_VALUE(metric != nullptr, "Task: the metric is null.");
  const std::string name = metric->name();
  TORCH_CHECK_VALUE(
      !name.empty() && name != "loss" && name.find('/') == std::string::npos,
      "Task: a metric cannot be called '",
      name,
      "'.");
  for (const auto& other : metrics_) {
    TORCH_CHECK_VALUE(
        other->name() != name,
        "Task: there is a metric called '",
        name,
        "' already.");
  }
  metrics_.push_back(std::move(metric));
  return *this;
}

Task Task::with_head(Network head) const {
  Task task = *this;
  task.head_ = std::move(head);
  return task;
}

} // namespace polytask
