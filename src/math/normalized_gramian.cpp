// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/normalized_gramian.h>

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
    for (int64_t j = 0; j < size; ++j) {
      result.cosines(i, j) = gramian(i, j) * inverses[i] * inverses[j];
    }
    if (inverses[i] != 0) {
      result.cosines(i, i) = 1;
    }
  }
  return result;
}

} // namespace polytask::math
