// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task/metrics/predictions.h"

#include <ATen/ops/isnan.h>
#include <ATen/ops/max.h>

namespace polytask::detail {

Predictions predictions(const BinaryScores& scores, bool are_probabilities) {
  return {
      scores.scores.gt(are_probabilities ? 0.5 : 0.0),
      nan_if_any(scores.scores.isnan())};
}

Predictions predictions(const ClassScores& scores) {
  // The maximum of what holds a NaN is NaN.
  const auto [top, predicted] = at::max(scores.scores, 1);
  return {predicted, nan_if_any(top.isnan())};
}

} // namespace polytask::detail
