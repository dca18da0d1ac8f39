// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include <polytask/task/metric.h>

namespace polytask {

/// The base of metrics that are another one of something else: they have its
/// name, its states and its value.
class POLYTASK_API MetricOf : public Metric {
 public:
  std::string name() const override {
    return metric_->name();
  }
  bool higher_is_better() const override {
    return metric_->higher_is_better();
  }
  MetricState merge(const std::vector<MetricState>& states) const override {
    return metric_->merge(states);
  }
  at::Tensor value(const MetricState& state) const override {
    return metric_->value(state);
  }

 protected:
  /// Throws on none.
  explicit MetricOf(std::shared_ptr<const Metric> metric);

  /// What the other metric takes, without its name before its errors.
  MetricState take_inside(const at::Tensor& output, const Labels& labels) const;

 private:
  std::shared_ptr<const Metric> metric_;
};

} // namespace polytask
