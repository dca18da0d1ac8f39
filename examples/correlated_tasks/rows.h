// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/data/dataset.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <utility>

namespace correlated {

constexpr int64_t kInputs = 100;
// The paper says neither how many waves there are, nor their numbers.
constexpr std::array<double, 3> kFrequencies = {1, 2, 3};
constexpr std::array<double, 3> kPhases = {0, 1, 2};
constexpr double kNoise = 0.1; // a variance of 0.01

/// Two vectors [inputs] of the length `scale` whose cosine is `correlation`, by two random ones
/// that are perpendicular.
inline std::pair<torch::Tensor, torch::Tensor> weights(double correlation, double scale = 1) {
  const auto base = std::get<0>(torch::linalg_qr(torch::randn({kInputs, 2}, torch::kDouble)));
  const auto first = base.select(1, 0);
  const auto other = base.select(1, 1);
  return {scale * first,
      scale * (correlation * first + std::sqrt(1 - correlation * correlation) * other)};
}

/// y = z + sum of sin(alpha z + beta), of any shape.
inline torch::Tensor answer(const torch::Tensor& z) {
  auto y = z.clone();
  for (size_t i = 0; i < kFrequencies.size(); ++i) {
    y += torch::sin(kFrequencies[i] * z + kPhases[i]);
  }
  return y;
}

/// The regression of J. Ma et al., "Modeling Task Relationships in Multi-task Learning with
/// Multi-gate Mixture-of-Experts", KDD 2018, section 3.2: tasks "first" and "second".
inline polytask::data::Dataset rows(
    const std::pair<torch::Tensor, torch::Tensor>& weights, int64_t count, double noise) {
  const auto x = torch::randn({count, kInputs}, torch::kDouble);
  const auto seen = [&](const torch::Tensor& w) {
    const auto y = answer(x.mv(w)) + noise * torch::randn({count}, torch::kDouble);
    return y.unsqueeze(1).to(torch::kFloat);
  };
  // One after the other: the noise is drawn in this order.
  const auto first = seen(weights.first);
  const auto second = seen(weights.second);
  return {x.to(torch::kFloat), {{"first", first}, {"second", second}}};
}

} // namespace correlated
