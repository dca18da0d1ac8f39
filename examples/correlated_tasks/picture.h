// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace correlated {

/// The error of one model: over correlations, mean and sample standard deviation over seeds.
struct Curve {
  std::string name;
  std::vector<double> means;
  std::vector<double> deviations;
};

/// An SVG picture: a line for each model with bars of a deviation up and down, correlations from
/// left to right.
std::string draw(const std::vector<double>& correlations, const std::vector<Curve>& curves);

} // namespace correlated
