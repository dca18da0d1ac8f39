// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/metrics/average_precision.h>

#include "task/metrics/ranked_column.h"

namespace polytask {

at::Tensor AveragePrecision::of_column(
    const at::Tensor& scores,
    const at::Tensor& positive,
    const at::Tensor& weights) const {
  return detail::average_precision({scores, positive, weights});
}

} // namespace polytask
