// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <memory>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/labels.h>
#include <polytask/core/network.h>
#include <polytask/task/linear_task.h>
#include <polytask/task/loss.h>
#include <polytask/task/metric.h>

namespace polytask {

/// What a model is asked to learn: a head on the features, the loss of its
/// output, how much that loss counts, and by which metrics it is judged. It
/// knows no other task; its name is the model's business.
///
/// A task cannot be assigned to: the model that it stands in keeps its head
/// registered. `MultiTaskModel`'s `replace_task` and `replace_head` put another
/// in its place.
///
/// ```cpp
/// model->add_task("speed", polytask::Task(head,
/// polytask::HuberLoss()).weight(0.3).metric(polytask::RMSE()));
/// ```
class POLYTASK_API Task {
 public:
  /// `head`: any torch::nn module from features to output.
  Task(Network head, Loss loss);
  /// A linear task with mean squared error.
  Task(LinearTask head); // NOLINT: meant to be implicit
  Task(const Task& other) = default;
  Task(Task&& other) = default;
  ~Task() = default;

  /// The factor of the loss in what is minimised. Throws unless it is finite
  /// and not negative; 0 leaves the task out of training.
  Task& weight(double weight);
  double weight() const {
    return weight_;
  }

  /// One more metric, for evaluations. Throws if there is one of its name, and
  /// on a name that is empty, "loss", or has a '/'.
  template <std::derived_from<Metric> Kind>
  Task& metric(Kind metric) {
    return this->metric(std::make_shared<const Kind>(std::move(metric)));
  }
  Task& metric(std::shared_ptr<const Metric> metric);
  const std::vector<std::shared_ptr<const Metric>>& metrics() const {
    return metrics_;
  }

  const Network& head() const {
    return head_;
  }
  const Loss& loss() const {
    return loss_;
  }

  /// The same loss, weight and metrics with another head.
  Task with_head(Network head) const;

  at::Tensor forward(const at::Tensor& features) const {
    return head_.forward(features);
  }
  at::Tensor forward(const Inputs& features) const {
    return head_.forward(features);
  }

 private:
  friend class MultiTaskModelImpl;
  Task& operator=(const Task& other) = default;
  Task& operator=(Task&& other) = default;

  Network head_;
  Loss loss_;
  double weight_ = 1.0;
  std::vector<std::shared_ptr<const Metric>> metrics_;
};

} // namespace polytask
