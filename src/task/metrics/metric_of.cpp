// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/metric_of.h>

#include <c10/util/Exception.h>

#include <utility>

namespace polytask {

namespace {

// A member pointer reaches what is protected in another object.
struct InsideMetric : Metric {
  static MetricState take_of(
      const Metric& metric, const at::Tensor& output, const Labels& labels) {
    return (metric.*(&InsideMetric::take))(output, labels);
  }
};

} // namespace

MetricOf::MetricOf(std::shared_ptr<const Metric> metric)
    : metric_(std::move(metric)) {
  TORCH_CHECK_VALUE(metric_ != nullptr, "Metric: expected one, but got none.");
}

MetricState MetricOf::take_inside(
    const at::Tensor& output, const Labels& labels) const {
  return InsideMetric::take_of(*metric_, output, labels);
}

} // namespace polytask
