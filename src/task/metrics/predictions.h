// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include "task/metrics/scored_labels.h"

namespace polytask::detail {

/// What scores say, and NaN if one of those that count is: a float64 scalar to
/// be added to a sum.
struct Predictions {
  at::Tensor predicted;
  at::Tensor nan_or_zero;
};

/// Bool, in the shape of the scores.
Predictions predictions(const BinaryScores& scores, bool are_probabilities);
/// The class of the largest score: int64, in the shape of the labels.
Predictions predictions(const ClassScores& scores);

} // namespace polytask::detail
