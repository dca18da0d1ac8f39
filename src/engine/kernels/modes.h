// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

/// One output's way through SGD in the eigenbasis of its input, where each mode
/// moves by itself. With u the distance from a reference, its loss is
///   reference + Σ (½ curvature u² + slope u).
struct ModeColumn {
  /// Modes come in whole vectors; the padding stands still.
  static constexpr int64_t kPadding = 8;

  int64_t modes;
  const double* curvature; // before `scale`
  const double* slope;
  const double* reference; // coordinates of the reference
  double* u;
  double* momentum; // null without
  double scale;     // of the curvature
};

/// torch::optim::SGD's step, times the task's weight.
struct ModeUpdate {
  double weight;
  double learning_rate;
  double weight_decay;
  double momentum;
  double dampening;
  bool nesterov;
  /// The momentum buffer starts as the gradient.
  bool first;
};

/// Moves the column by one step and gives Σ (½ curvature u² + slope u) after
/// it.
double step_modes(const ModeColumn& column, const ModeUpdate& update);
/// The same sum without a step.
double modes_loss(const ModeColumn& column);

} // namespace polytask::detail
