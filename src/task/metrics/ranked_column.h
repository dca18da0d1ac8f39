// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::detail {

/// How the scores [n] of a column rank its labels: `positive` is bool [n],
/// `weights` [n] are 0 where a label does not count, and may be bool.
struct RankedColumn {
  at::Tensor scores;
  at::Tensor positive;
  at::Tensor weights;
};

/// Float64 scalars; they do not wait for an accelerator.
at::Tensor roc_auc(const RankedColumn& column);
at::Tensor average_precision(const RankedColumn& column);

} // namespace polytask::detail
