// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/by_loss.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

namespace polytask {

namespace {

constexpr double kUnseen = -1;
constexpr double kDrawnInVain = -2;

} // namespace

ByLossSampler::ByLossSampler(double smoothing) : smoothing_(smoothing) {
  TORCH_CHECK_VALUE(
      smoothing >= 0 && smoothing < 1,
      "ByLossSampler: expected a smoothing of at least 0 and below 1, but got ",
      smoothing,
      ".");
}

void ByLossSampler::bind() {
  losses_.assign(tasks().size(), kUnseen);
}

void ByLossSampler::observe(int64_t task, double loss) {
  double& kept = losses_.at(static_cast<size_t>(task));
  TORCH_CHECK_VALUE(
      std::isfinite(loss) && loss >= 0,
      "ByLossSampler: task '",
      tasks()[static_cast<size_t>(task)],
      "': expected a finite loss of at least 0, but got ",
      loss,
      ".");
  kept = kept < 0 ? loss : smoothing_ * kept + (1 - smoothing_) * loss;
}

void ByLossSampler::pass(int64_t task) {
  double& kept = losses_.at(static_cast<size_t>(task));
  kept = kept < 0 ? kDrawnInVain : kept;
}

bool ByLossSampler::are_values(const std::vector<double>& values) const {
  return std::all_of(values.begin(), values.end(), [](double value) {
    return value >= 0 || value == kUnseen || value == kDrawnInVain;
  });
}

int64_t ByLossSampler::draw() {
  double sum = 0;
  int64_t seen = 0;
  for (size_t i = 0; i < losses_.size(); ++i) {
    if (takes_part()[i] && losses_[i] == kUnseen) {
      return static_cast<int64_t>(i);
    }
    if (takes_part()[i] && losses_[i] >= 0) {
      sum += losses_[i];
      ++seen;
    }
  }
  if (sum <= 0) { // all is learned, or nothing is known
    return draw_proportionally(std::vector<double>(losses_.size(), 1.0));
  }
  std::vector<double> numbers = losses_;
  std::replace_if(
      numbers.begin(),
      numbers.end(),
      [](double loss) { return loss < 0; },
      sum / static_cast<double>(seen));
  return draw_proportionally(numbers);
}

} // namespace polytask
