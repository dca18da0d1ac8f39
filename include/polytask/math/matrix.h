// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace polytask::math {

using Vector = std::vector<double>;

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

 private:
  size_t place(int64_t row, int64_t column) const {
    return static_cast<size_t>(row) * size_ + static_cast<size_t>(column);
  }

  size_t size_ = 0;
  std::vector<double> values_;
};

} // namespace polytask::math
