// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "pair_descent.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <polytask/math/simplex_projection.h>

#include "quadratic.h"

namespace polytask::balancing::detail {

namespace {

constexpr int kPairDescentRounds = 250;
constexpr double kPairDescentChange = 1e-5;
// Limits of a step below this do not count.
constexpr double kPairDescentLimit = 1e-7;
constexpr double kPairDescentShare = 0.999;

struct PairShare {
  double first;
  double square;
};

// The shortest vector between two, from their inner products.
PairShare pair_share(double first, double product, double second) {
  if (product >= first) {
    return {kPairDescentShare, first};
  }
  if (product >= second) {
    return {1 - kPairDescentShare, second};
  }
  const double share = (second - product) / (first + second - 2 * product);
  return {share, second + share * (product - second)};
}

math::Vector best_pair(const math::Matrix& gramian) {
  math::Vector weights(static_cast<size_t>(gramian.size()), 0.0);
  double least = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < gramian.size(); ++i) {
    for (int64_t j = i + 1; j < gramian.size(); ++j) {
      const auto [share, square] =
          pair_share(gramian(i, i), gramian(i, j), gramian(j, j));
      if (square < least) {
        least = square;
        std::fill(weights.begin(), weights.end(), 0.0);
        weights[static_cast<size_t>(i)] = share;
        weights[static_cast<size_t>(j)] = 1 - share;
      }
    }
  }
  return weights;
}

double pair_dot(const math::Vector& a, const math::Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

// Down the projected gradient as far as no weight leaves 0 to 1.
math::Vector next_point(
    const math::Vector& weights, const math::Vector& products) {
  double mean = 0;
  for (const double product : products) {
    mean += product / static_cast<double>(products.size());
  }
  double lower = std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < weights.size(); ++i) {
    const double slope = mean - products[i];
    const double limit = slope < 0 ? -weights[i] / slope
        : slope > 0                ? (1 - weights[i]) / slope
                                   : 0;
    if (limit > kPairDescentLimit) {
      double& least = slope < 0 ? lower : upper;
      least = std::min(least, limit);
    }
  }
  const double step = std::min(std::isfinite(lower) ? lower : 1, upper);
  math::Vector point(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    point[i] = weights[i] + step * (mean - products[i]);
  }
  math::project_onto_simplex(point);
  return point;
}

} // namespace

math::Vector pair_descent_weights(const math::Matrix& gramian) {
  if (gramian.size() == 1) {
    return {1.0};
  }
  math::Vector weights = best_pair(gramian);
  if (gramian.size() == 2) {
    return weights;
  }
  for (int round = 0; round < kPairDescentRounds; ++round) {
    const auto products = products_with(gramian, weights);
    const auto point = next_point(weights, products);
    const auto [share, square] = pair_share(
        pair_dot(weights, products),
        pair_dot(point, products),
        pair_dot(point, products_with(gramian, point)));
    double change = 0;
    auto moved = weights;
    for (size_t i = 0; i < weights.size(); ++i) {
      moved[i] = share * weights[i] + (1 - share) * point[i];
      change += std::abs(moved[i] - weights[i]);
    }
    if (change < kPairDescentChange) {
      break;
    }
    weights = std::move(moved);
  }
  return weights;
}

} // namespace polytask::balancing::detail
