// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::detail {

/// For each element of a sorted vector [n], n > 0: where the run of elements
/// that equal it begins and ends, int64 [n]. Each NaN is a run of its own. Does
/// not wait for an accelerator.
struct SortedRuns {
  at::Tensor first;
  at::Tensor last;
};
SortedRuns sorted_runs(const at::Tensor& sorted);

} // namespace polytask::detail
