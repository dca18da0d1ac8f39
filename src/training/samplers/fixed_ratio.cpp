// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/fixed_ratio.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace polytask {

FixedRatioSampler::FixedRatioSampler(TaskNumbers ratios)
    : ratios_(std::move(ratios)) {}

void FixedRatioSampler::bind() {
  by_task_ = by_task(ratios_);
  credits_.assign(by_task_.size(), 0.0);
}

int64_t FixedRatioSampler::draw() {
  for (size_t i = 0; i < credits_.size(); ++i) {
    credits_[i] += by_task_[i];
  }
  // Tasks of ratio 0 keep the credit 0, which another may fall below.
  size_t most = credits_.size();
  for (size_t i = 0; i < credits_.size(); ++i) {
    if (by_task_[i] > 0 &&
        (most == credits_.size() || credits_[i] > credits_[most])) {
      most = i;
    }
  }
  credits_[most] -= std::accumulate(by_task_.begin(), by_task_.end(), 0.0);
  return static_cast<int64_t>(most);
}

} // namespace polytask
