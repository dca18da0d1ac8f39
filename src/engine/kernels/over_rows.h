// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

#include "core/parallel_for.h"

namespace polytask::detail {

/// Calls pass(begin, end) on the rows of a matrix, by several threads where it
/// is large.
template <typename Pass>
void over_rows(int64_t rows, int64_t width, const Pass& pass) {
  constexpr int64_t kElementsOfAThread = 1 << 15;
  if (rows * width < kElementsOfAThread || at::get_num_threads() == 1) {
    pass(0, rows);
  } else {
    parallel_for(
        0, rows, std::max<int64_t>(1, kElementsOfAThread / width), pass);
  }
}

} // namespace polytask::detail
