// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/labels.h>

namespace polytask {

/// What a metric keeps of rows that it has seen, on the device of the outputs:
/// sums, which are added to those of other rows, and values of single rows,
/// which are joined to others along dimension 0.
struct MetricState {
  std::vector<at::Tensor> sums;
  std::vector<at::Tensor> rows;
};

/// How good a task's outputs are, over all rows of an evaluation at once,
/// however they are split into batches or processes. Missing labels and rows of
/// weight 0 do not count, and a row counts by its weight.
///
/// A metric itself never changes: what it has seen stands in states, so that
/// threads and tasks may share it.
///
/// ```cpp
/// class Bias : public polytask::Metric { ... };
/// model->add_task("y", polytask::Task(head, polytask::MSELoss())
///                          .metric(polytask::RMSE()).metric(Bias()));
/// ```
class POLYTASK_API Metric {
 public:
  virtual ~Metric() = default;

  /// By which the value is found: "rmse". No '/' may stand in it.
  virtual std::string name() const = 0;
  virtual bool higher_is_better() const = 0;

  /// What to keep of these rows: `output` [B, ...] and the labels for it. Half
  /// precision is turned to float32 first. Never waits for an accelerator.
  ///
  /// Throws `c10::ValueError`, with the metric's name, on another device and on
  /// shapes or dtypes that are no output or label of this metric.
  MetricState observe(const at::Tensor& output, const Labels& labels) const;

  /// What there is to keep of all these rows together; at least one state. The
  /// default adds sums and joins rows.
  virtual MetricState merge(const std::vector<MetricState>& states) const;

  /// The value for all that the state has seen: a float64 scalar on its device,
  /// NaN where the metric says nothing of such rows (none with a label, or all
  /// of one class). Does not wait for an accelerator.
  virtual at::Tensor value(const MetricState& state) const = 0;

  /// For rows that are all at hand: observes them and takes the value.
  double operator()(const at::Tensor& output, const Labels& labels) const;
  double operator()(const at::Tensor& output, const at::Tensor& target) const;

 protected:
  /// The output is float32 or float64 on the labels' device and has no
  /// gradient.
  virtual MetricState take(
      const at::Tensor& output, const Labels& labels) const = 0;
};

} // namespace polytask
