// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/by_loss.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

namespace polytask {

ByLossSampler::ByLossSampler(double smoothing) : smoothing_(smoothing) {
  TORCH_CHECK_VALUE(
      smoothing >= 0 && smoothing < 1,
      "ByLossSampler: expected a smoothing of at least 0 and below 1, but got ",
      smoothing,
      ".");
}

void ByLossSampler::bind() {
  losses_.assign(tasks().size(), -1.0);
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

int64_t ByLossSampler::draw() {
  const auto unseen = std::find(losses_.begin(), losses_.end(), -1.0);
  if (unseen != losses_.end()) {
    return unseen - losses_.begin();
  }
  const bool learned = *std::max_element(losses_.begin(), losses_.end()) <= 0;
  return draw_proportionally(
      learned ? std::vector<double>(losses_.size(), 1.0) : losses_);
}

} // namespace polytask
