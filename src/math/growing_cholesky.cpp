// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "growing_cholesky.h"

#include <cmath>
#include <limits>

namespace polytask::math {

namespace {

// Several sums at a time: one would wait for itself.
double inner_product(const double* a, const double* b, size_t count) {
  double sums[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) {
      sums[lane] += a[i + lane] * b[i + lane];
    }
  }
  for (; i < count; ++i) {
    sums[0] += a[i] * b[i];
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

} // namespace

GrowingCholesky::GrowingCholesky(const Matrix& matrix)
    : matrix_(matrix),
      lower_(matrix.size()),
      inverse_diagonal_(matrix.size()),
      is_member_(matrix.size(), 0) {
  members_.reserve(matrix.size());
}

bool GrowingCholesky::append(int64_t index) {
  const auto count = members_.size();
  const std::span<const double> column = matrix_.row(index);
  double* row = lower_.data() + count * matrix_.size();
  double pivot = column[index];
  for (size_t i = 0; i < count; ++i) {
    const double* other = lower_.data() + i * matrix_.size();
    row[i] = (column[members_[i]] - inner_product(row, other, i)) *
        inverse_diagonal_[i];
    pivot -= row[i] * row[i];
  }
  const double rounding = std::numeric_limits<double>::epsilon() *
      static_cast<double>(count + 1) * column[index];
  if (!(pivot > rounding)) {
    return false;
  }
  inverse_diagonal_[count] = 1 / std::sqrt(pivot);
  members_.push_back(index);
  is_member_[index] = 1;
  return true;
}

void GrowingCholesky::remove(size_t position) {
  const std::vector<int64_t> later(
      members_.begin() + static_cast<int64_t>(position) + 1, members_.end());
  for (size_t i = position; i < members_.size(); ++i) {
    is_member_[members_[i]] = 0;
  }
  members_.resize(position);
  // Pivots only grow when a member leaves, so that these stay independent.
  for (const int64_t index : later) {
    append(index);
  }
}

void GrowingCholesky::clear() {
  for (const int64_t index : members_) {
    is_member_[index] = 0;
  }
  members_.clear();
}

void GrowingCholesky::solve(
    std::span<const double> rhs, std::span<double> out) const {
  const auto count = members_.size();
  for (size_t i = 0; i < count; ++i) {
    const double* row = lower_.data() + i * matrix_.size();
    out[i] = (rhs[members_[i]] - inner_product(row, out.data(), i)) *
        inverse_diagonal_[i];
  }
  for (size_t i = count; i-- > 0;) {
    const double* row = lower_.data() + i * matrix_.size();
    out[i] *= inverse_diagonal_[i];
    for (size_t j = 0; j < i; ++j) {
      out[j] -= row[j] * out[i];
    }
  }
}

} // namespace polytask::math
