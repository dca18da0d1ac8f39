// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::optim::detail {

template <typename Scalar>
struct RowAdagradArrays {
  Scalar* table;          // [N, width]
  Scalar* sums;           // [N]
  const Scalar* gradient; // [count, width]
  const int64_t* rows;    // [count], each once; null: they are 0, 1, ...
  int64_t width;
};

/// Adagrad with a sum for each row, of the gradient's rows from `begin` to
/// `end`.
void row_adagrad(
    const RowAdagradArrays<float>& arrays,
    int64_t begin,
    int64_t end,
    double rate,
    double eps);
void row_adagrad(
    const RowAdagradArrays<double>& arrays,
    int64_t begin,
    int64_t end,
    double rate,
    double eps);

} // namespace polytask::optim::detail
