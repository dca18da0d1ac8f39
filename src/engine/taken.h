// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/step_report.h>
#include <polytask/engine/route.h>

namespace polytask::detail {

/// What a route made of a step: its gradients are written, nothing has moved.
struct Taken {
  StepReport report;
  /// Whether anything has a gradient, so that there is an update to take.
  bool learns = false;
  /// How, and why not faster; good until the next step.
  const RouteChoice* route = nullptr;
};

} // namespace polytask::detail
