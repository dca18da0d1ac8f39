// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace polytask::testing {

/// How the rows of a Jacobian of given rank lie to each other.
enum class RowsAre {
  kNormal,
  /// A combination of all with positive weights is zero.
  kStronglyStationary,
  /// One of some of them is; all others gain along a direction that these do
  /// not mind.
  kWeaklyStationary,
  /// There is a direction along which all gain.
  kNotStationary,
};

struct JacobianShape {
  int64_t tasks;
  int64_t columns;
  /// At most as many as columns, and fewer than tasks for strong stationarity.
  int64_t rank;
};

/// [tasks, columns], drawn in double and rounded to `type`; the rows are in
/// random order. The same for the same seed.
at::Tensor sample_jacobian(
    RowsAre rows,
    const JacobianShape& shape,
    at::ScalarType type,
    double scale,
    uint64_t seed);

/// A permutation [count] of its own for each seed.
at::Tensor sample_order(int64_t count, uint64_t seed);

} // namespace polytask::testing
