// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <vector>

#include <polytask/math/matrix.h>

#include "growing_cholesky.h"

namespace polytask::math {

// argmin over x >= 0 of 1/2 x^T H x - f^T x, for many f and one H: positive
// semidefinite, diagonal elements of order one. Where there are many, the
// shortest; where there is none, x is large.
//
// The active set of Lawson and Hanson, on H with `own` on its diagonal: members
// have x > 0 and no slope; the index with the steepest slope joins. The result
// is then refined towards that of H itself.
class NonNegativeQuadratic {
 public:
  NonNegativeQuadratic(Matrix hessian, double own);

  // The result stays valid until the next call.
  const Vector& minimize(std::span<const double> f);

 private:
  void start(std::span<const double> f);
  void update_slopes(std::span<const double> f);
  bool may_join(int64_t index) const;
  void settle(std::span<const double> f);
  void move(double fraction);
  void refine();

  Matrix hessian_;
  double own_;
  GrowingCholesky factor_;
  Vector x_;
  Vector slopes_;
  Vector target_; // by position among the members
  std::vector<char> refused_;
};

} // namespace polytask::math
