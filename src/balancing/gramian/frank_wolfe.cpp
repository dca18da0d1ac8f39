// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "frank_wolfe.h"

#include <algorithm>

namespace polytask::balancing::detail {

namespace {

// From a point with the squared length `here` towards one with `there`.
double frank_wolfe_step(double here, double product, double there) {
  if (there <= product) {
    return 1;
  }
  if (here <= product) {
    return 0;
  }
  return (here - product) / (here + there - 2 * product);
}

} // namespace

math::Vector frank_wolfe_weights(
    const math::Matrix& gramian, double epsilon, int64_t max_iters) {
  const auto count = static_cast<size_t>(gramian.size());
  math::Vector weights(count, 1 / static_cast<double>(count));
  math::Vector products(count);
  for (int64_t round = 0; round < max_iters; ++round) {
    double square = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto row = gramian.row(static_cast<int64_t>(i));
      products[i] = 0;
      for (size_t j = 0; j < count; ++j) {
        products[i] += row[j] * weights[j];
      }
      square += weights[i] * products[i];
    }
    const auto least = std::min_element(products.begin(), products.end());
    const int64_t vertex = least - products.begin();
    const double step =
        frank_wolfe_step(square, *least, gramian(vertex, vertex));
    for (double& weight : weights) {
      weight *= 1 - step;
    }
    weights[static_cast<size_t>(vertex)] += step;
    if (step < epsilon) {
      break;
    }
  }
  return weights;
}

} // namespace polytask::balancing::detail
