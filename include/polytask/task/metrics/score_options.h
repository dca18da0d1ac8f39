// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <polytask/core/api.h>

// Outputs and labels of metrics of classes. Binary: one score for each label,
// [B], [B, 1] or [B, k], and a floating-point target of the same shape that is
// 0 or 1. Classes: scores [B, C] or [B, C, ...] and class indices, int64, [B]
// or [B, ...]; [B, 1] will do for [B].
//
// On the host, other labels and classes outside of the scores are errors; an
// accelerator would have to be waited for, so there they make the value NaN. So
// does any score of NaN whose label is not missing.

namespace polytask {

/// What the scores of a metric are.
struct POLYTASK_API ScoreOptions {
  /// Probabilities from 0 to 1, rather than logits: those of softmax over the
  /// classes, or of the sigmoid of a single score.
  TORCH_ARG(bool, probabilities) = false;
};

} // namespace polytask
