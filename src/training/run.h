// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <cstdint>
#include <utility>

#include <polytask/core/step_report.h>

namespace polytask::detail {

/// Takes `steps` steps, shows each to the observer and returns the last report.
template <typename Step>
StepReport repeat(int64_t steps, const StepObserver& observer, Step&& step) {
  TORCH_CHECK_VALUE(
      steps >= 1, "run: expected at least one step, but got ", steps, ".");
  StepReport report;
  for (int64_t i = 0; i < steps; ++i) {
    report = step();
    if (observer) {
      observer(report);
    }
  }
  return report;
}

} // namespace polytask::detail
