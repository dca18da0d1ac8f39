// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "checks.h"

#include <ATen/ops/clamp_min.h>
#include <ATen/ops/log.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "core/rounding.h"

#include "host.h"
#include "task_labels.h"

namespace polytask::balancing::detail {

void check_one_each(
    const std::vector<double>& values,
    int64_t tasks,
    const std::string& who,
    const std::string& what) {
  TORCH_CHECK_VALUE(
      static_cast<int64_t>(values.size()) == tasks,
      who,
      ": expected ",
      what,
      " for ",
      tasks,
      " tasks, but got ",
      values.size(),
      ".");
}

void check_preference(
    const std::vector<double>& values,
    int64_t tasks,
    const std::string& who,
    const std::string& what,
    bool zero_too) {
  check_one_each(values, tasks, who, what);
  for (size_t task = 0; task < values.size(); ++task) {
    const double value = values[task];
    TORCH_CHECK_VALUE(
        std::isfinite(value) && (value > 0 || (zero_too && value == 0)),
        who,
        ": expected ",
        zero_too ? "no negative " : "positive ",
        what,
        ", but that of ",
        task_label(task),
        " is ",
        value,
        ".");
  }
}

void check_option(
    bool ok,
    const std::string& who,
    const std::string& option,
    const std::string& expected,
    double found) {
  TORCH_CHECK_VALUE(
      ok, who, ": expected ", option, " ", expected, ", but got ", found, ".");
}

void check_losses_above(
    const at::Tensor& losses,
    const std::vector<double>& bounds,
    const std::string& who) {
  if (!losses.device().is_cpu()) {
    return;
  }
  const auto values = host_values(losses, who);
  for (size_t task = 0; task < values.size(); ++task) {
    const double bound = bounds.size() == 1 ? bounds[0] : bounds[task];
    TORCH_CHECK_VALUE(
        values[task] > bound,
        who,
        ": expected losses above ",
        bound,
        ", but that of ",
        task_label(task),
        " is ",
        values[task],
        ".");
  }
}

at::Tensor safe_log(const at::Tensor& losses) {
  return at::log(
      losses.clamp_min(polytask::detail::smallest_of(losses.scalar_type())));
}

} // namespace polytask::balancing::detail
