// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <vector>

#include <polytask/math/matrix.h>

#include "growing_cholesky.h"

namespace polytask::math {

// argmin over x >= 0 of 1/2 x^T H x - f^T x, for many f and one H: positive
// semidefinite, diagonal elements of order one, outliving this. Where the
// minimum does not exist, or not to within rounding, x stops on the way: where
// it matters, check that H x >= f.
//
// The active set of Lawson and Hanson: members, whose rows are independent,
// have x > 0 and no slope; the index with the steepest slope joins.
class NonNegativeQuadratic {
 public:
  explicit NonNegativeQuadratic(const Matrix& hessian);

  // The result stays valid until the next call.
  const Vector& minimize(std::span<const double> f);

 private:
  void start(std::span<const double> f);
  void update_slopes(std::span<const double> f);
  bool may_join(int64_t index) const;
  bool exchange(int64_t index);
  void settle(std::span<const double> f);
  void move(double fraction);

  const Matrix& hessian_;
  GrowingCholesky factor_;
  Vector x_;
  Vector slopes_;
  Vector target_; // by position among the members
  std::vector<char> refused_;
};

} // namespace polytask::math
