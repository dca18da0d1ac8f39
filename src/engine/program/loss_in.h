// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <limits>

namespace polytask::detail {

/// A mean over `labels` labels as LibTorch would have it in this dtype:
/// rounded, and infinite where their sum overflows.
inline double loss_in(at::ScalarType type, double loss, int64_t labels) {
  if (type != at::kFloat) {
    return loss;
  }
  const bool overflows = loss * static_cast<double>(labels) >
      static_cast<double>(std::numeric_limits<float>::max());
  return overflows ? std::numeric_limits<double>::infinity()
                   : static_cast<double>(static_cast<float>(loss));
}

} // namespace polytask::detail
