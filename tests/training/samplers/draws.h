// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/task_sampler.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace polytask::testing {

/// The next `count` draws. Each is answered with the loss `task + 1`.
inline std::vector<int64_t> draw_tasks(TaskSampler& sampler, int64_t count) {
  std::vector<int64_t> draws;
  for (int64_t i = 0; i < count; ++i) {
    draws.push_back(sampler.next());
    sampler.observe(draws.back(), static_cast<double>(draws.back() + 1));
  }
  return draws;
}

/// How often each of three tasks is drawn in `count` draws.
inline std::vector<int64_t> count_draws(TaskSampler& sampler, int64_t count) {
  std::vector<int64_t> counts(3, 0);
  for (const int64_t task : draw_tasks(sampler, count)) {
    ++counts.at(static_cast<size_t>(task));
  }
  return counts;
}

/// Pearson's Σ (counted - expected)² / expected, expected in proportion to
/// `weights`.
inline double chi_square(
    const std::vector<int64_t>& counts, const std::vector<double>& weights) {
  double total = 0;
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    total += static_cast<double>(counts[i]);
    sum += weights[i];
  }
  double statistic = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * weights[i] / sum;
    const double off = static_cast<double>(counts[i]) - expected;
    statistic += off * off / expected;
  }
  return statistic;
}

/// With two degrees of freedom, as for three tasks, chance exceeds this with
/// p = 0.001: -2 ln p.
constexpr double kChiSquareLimit = 13.816;

} // namespace polytask::testing
