// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/math/simplex_projection.h>

#include <algorithm>
#include <functional>

#include <polytask/math/matrix.h>

namespace polytask::math {

void project_onto_simplex(std::span<double> values) {
  Vector sorted(values.begin(), values.end());
  std::ranges::sort(sorted, std::greater());
  double sum = 0;
  double threshold = 0;
  double count = 0;
  for (const double value : sorted) {
    sum += value;
    count += 1;
    const double candidate = (sum - 1) / count;
    if (value <= candidate) {
      break;
    }
    threshold = candidate;
  }
  for (double& value : values) {
    value = std::max(value - threshold, 0.0);
  }
}

} // namespace polytask::math
