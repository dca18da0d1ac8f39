// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace polytask::math {

using Vector = std::vector<double>;

/// The relative rounding of a number in double.
inline constexpr double kDoubleRounding =
    std::numeric_limits<double>::epsilon() / 2;

/// A square matrix of the size of the number of tasks, row by row, in double on
/// the host: what the solvers read.
class Matrix {
 public:
  Matrix() = default;
  explicit Matrix(int64_t size, double value = 0)
      : size_(static_cast<size_t>(size)), values_(size_ * size_, value) {}

  int64_t size() const {
    return static_cast<int64_t>(size_);
  }
  double& operator()(int64_t row, int64_t column) {
    return values_[place(row, column)];
  }
  double operator()(int64_t row, int64_t column) const {
    return values_[place(row, column)];
  }
  std::span<const double> row(int64_t index) const {
    return {values_.data() + place(index, 0), size_};
  }
  double* data() {
    return values_.data();
  }
  const double* data() const {
    return values_.data();
  }

  /// How well it is known: the rounding, relative to both rows' lengths, of the
  /// gradients that it was made from, or of their products if that is more;
  /// 2^-24 for the Gramian in double of float32 gradients. Solvers take for
  /// zero what cannot be told from it.
  double rounding() const {
    return rounding_;
  }
  void set_rounding(double rounding) {
    rounding_ = rounding;
  }

 private:
  size_t place(int64_t row, int64_t column) const {
    return static_cast<size_t>(row) * size_ + static_cast<size_t>(column);
  }

  size_t size_ = 0;
  std::vector<double> values_;
  double rounding_ = kDoubleRounding;
};

} // namespace polytask::math
