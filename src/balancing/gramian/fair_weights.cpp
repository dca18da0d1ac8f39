// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fair_weights.h"

#include <vector>

#include <polytask/math/power_equation.h>

namespace polytask::balancing::detail {

math::Vector fair_weights(const math::Matrix& gramian, double alpha) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    if (gramian(i, i) > 0) {
      rows.push_back(i);
    }
  }
  const auto count = static_cast<int64_t>(rows.size());
  if (count == gramian.size()) {
    return math::solve_power_equation(gramian, alpha);
  }
  math::Vector weights(static_cast<size_t>(gramian.size()), 0.0);
  if (count == 0) {
    return weights;
  }
  math::Matrix rest(count);
  rest.set_rounding(gramian.rounding());
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < count; ++j) {
      rest(i, j) =
          gramian(rows[static_cast<size_t>(i)], rows[static_cast<size_t>(j)]);
    }
  }
  const auto found = math::solve_power_equation(rest, alpha);
  for (size_t i = 0; i < found.size(); ++i) {
    weights[static_cast<size_t>(rows[i])] = found[i];
  }
  return weights;
}

} // namespace polytask::balancing::detail
