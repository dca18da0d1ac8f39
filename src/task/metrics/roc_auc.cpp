// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/roc_auc.h>

#include "task/metrics/ranked_column.h"

namespace polytask {

at::Tensor ROCAUC::of_column(
    const at::Tensor& scores,
    const at::Tensor& positive,
    const at::Tensor& weights) const {
  return detail::roc_auc({scores, positive, weights});
}

} // namespace polytask
