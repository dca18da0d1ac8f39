// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "softmax_cagrad.h"

#include <cmath>
#include <limits>

#include "../softmax.h"

namespace polytask::balancing::detail {

namespace {

constexpr double kSoftmaxCAGradTiny = 1e-4;

math::Matrix divided_by_mean_length(const math::Matrix& gramian) {
  double mean = 0;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    mean += std::sqrt(gramian(i, i) + kSoftmaxCAGradTiny) /
        static_cast<double>(gramian.size());
  }
  math::Matrix divided = gramian;
  for (int64_t i = 0; i < gramian.size(); ++i) {
    for (int64_t j = 0; j < gramian.size(); ++j) {
      divided(i, j) /= mean * mean;
    }
  }
  return divided;
}

struct SoftmaxCAGradPoint {
  double value;
  double length;
  /// By the weights.
  math::Vector slopes;
};

// <g_w, g_0> + c |g_w|.
SoftmaxCAGradPoint softmax_cagrad_point(
    const math::Matrix& gramian,
    const math::Vector& pulls,
    const math::Vector& weights,
    double c) {
  SoftmaxCAGradPoint point{0, 0, math::Vector(weights.size(), 0.0)};
  double square = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto row = gramian.row(static_cast<int64_t>(i));
    for (size_t j = 0; j < weights.size(); ++j) {
      point.slopes[i] += row[j] * weights[j];
    }
    square += weights[i] * point.slopes[i];
    point.value += weights[i] * pulls[i];
  }
  point.length = std::sqrt(square + kSoftmaxCAGradTiny);
  point.value += c * point.length;
  for (size_t i = 0; i < weights.size(); ++i) {
    point.slopes[i] = pulls[i] + c * point.slopes[i] / point.length;
  }
  return point;
}

} // namespace

math::Vector softmax_cagrad_weights(
    const math::Matrix& gramian, const SoftmaxCAGrad& descent) {
  const math::Matrix scaled = divided_by_mean_length(gramian);
  const auto count = static_cast<size_t>(gramian.size());
  const double mean = 1 / static_cast<double>(count);
  math::Vector pulls(count, 0.0);
  double square = 0;
  for (size_t i = 0; i < count; ++i) {
    for (const double product : scaled.row(static_cast<int64_t>(i))) {
      pulls[i] += mean * product;
    }
    square += mean * pulls[i];
  }
  const double c = descent.c * std::sqrt(square + kSoftmaxCAGradTiny);

  math::Vector logits(count, 0.0);
  math::Vector velocity(count, 0.0);
  math::Vector best(count, mean);
  double best_value = std::numeric_limits<double>::infinity();
  double best_length = 1;
  for (int64_t round = 0; round < descent.iterations; ++round) {
    const auto weights = softmax_of(logits);
    const auto point = softmax_cagrad_point(scaled, pulls, weights, c);
    if (point.value < best_value) {
      best_value = point.value;
      best_length = point.length;
      best = weights;
    }
    double slope = 0;
    for (size_t i = 0; i < count; ++i) {
      slope += weights[i] * point.slopes[i];
    }
    for (size_t i = 0; i < count; ++i) {
      velocity[i] = descent.momentum * velocity[i] +
          weights[i] * (point.slopes[i] - slope);
      logits[i] -= descent.lr * velocity[i];
    }
  }
  for (double& weight : best) {
    weight = mean + c / (best_length + kSoftmaxCAGradTiny) * weight;
  }
  return best;
}

} // namespace polytask::balancing::detail
