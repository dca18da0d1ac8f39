// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/normalized_gramian.h>

#include <algorithm>
#include <cmath>

namespace polytask::math {

NormalizedGramian normalize_gramian(const Matrix& gramian) {
  const int64_t size = gramian.size();
  NormalizedGramian result{Matrix(size), Vector(size)};
  Vector inverses(size, 0.0);
  for (int64_t i = 0; i < size; ++i) {
    result.norms[i] = std::sqrt(gramian(i, i));
    if (result.norms[i] != 0) {
      inverses[i] = 1 / result.norms[i];
    }
  }
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      // In this order nothing overflows on the way.
      const double product = 0.5 * gramian(i, j) + 0.5 * gramian(j, i);
      const double cosine =
          std::clamp(product * inverses[i] * inverses[j], -1.0, 1.0);
      result.cosines(i, j) = result.cosines(j, i) = cosine;
    }
    result.cosines(i, i) = inverses[i] != 0 ? 1 : 0;
  }
  result.cosines.set_rounding(gramian.rounding());
  return result;
}

void symmetrize(Matrix& matrix) {
  for (int64_t i = 0; i < matrix.size(); ++i) {
    for (int64_t j = 0; j < i; ++j) {
      matrix(i, j) = matrix(j, i) = 0.5 * matrix(i, j) + 0.5 * matrix(j, i);
    }
  }
}

double own_component(const Matrix& matrix) {
  // A few thousand times what summing and factoring in double leave: what is
  // solved with it loses no more than a few digits of the other half.
  constexpr double kSolved = 0x1p-41;
  return std::max(4 * matrix.rounding(), kSolved);
}

} // namespace polytask::math
