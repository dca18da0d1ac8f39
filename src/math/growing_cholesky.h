// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <vector>

#include <polytask/math/matrix.h>

namespace polytask::math {

// The Cholesky factor of those rows and columns of a symmetric matrix, which
// must outlive it, whose indices belong to a set, in the order they joined.
class GrowingCholesky {
 public:
  explicit GrowingCholesky(const Matrix& matrix);

  const std::vector<int64_t>& members() const {
    return members_;
  }
  bool contains(int64_t index) const {
    return is_member_[index] != 0;
  }
  // False, and no change, where the pivot is at rounding level: the row depends
  // on the members'.
  bool append(int64_t index);
  void remove(size_t position);
  void clear();
  // By index in, by position out; `out` is as long as there are members.
  void solve(std::span<const double> rhs, std::span<double> out) const;

 private:
  const Matrix& matrix_;
  Matrix lower_;
  Vector inverse_diagonal_;
  std::vector<int64_t> members_;
  std::vector<char> is_member_;
};

} // namespace polytask::math
