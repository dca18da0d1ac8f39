// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "task/metrics/sorted_runs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cummax.h>
#include <ATen/ops/cummin.h>
#include <ATen/ops/ones.h>

namespace polytask::detail {

SortedRuns sorted_runs(const at::Tensor& sorted) {
  const int64_t n = sorted.size(0);
  const at::Tensor differs =
      sorted.narrow(0, 1, n - 1).ne(sorted.narrow(0, 0, n - 1));
  const at::Tensor edge = at::ones({1}, differs.options());
  const at::Tensor places = at::arange(n, sorted.options().dtype(at::kLong));
  const at::Tensor begins = at::cat({edge, differs});
  const at::Tensor ends = at::cat({differs, edge});
  return {
      std::get<0>(places.masked_fill(begins.logical_not(), 0).cummax(0)),
      std::get<0>(
          places.masked_fill(ends.logical_not(), n - 1).flip(0).cummin(0))
          .flip(0)};
}

} // namespace polytask::detail
