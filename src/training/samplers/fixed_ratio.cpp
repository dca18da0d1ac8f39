// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/fixed_ratio.h>

#include <utility>

namespace polytask {

FixedRatioSampler::FixedRatioSampler(TaskNumbers ratios)
    : ratios_(std::move(ratios)) {}

void FixedRatioSampler::bind() {
  by_task_ = by_task(ratios_);
  credits_.assign(by_task_.size(), 0.0);
}

int64_t FixedRatioSampler::draw() {
  double sum = 0;
  size_t most = credits_.size();
  for (size_t i = 0; i < credits_.size(); ++i) {
    if (!takes_part()[i] || by_task_[i] <= 0) {
      continue;
    }
    credits_[i] += by_task_[i];
    sum += by_task_[i];
    if (most == credits_.size() || credits_[i] > credits_[most]) {
      most = i;
    }
  }
  if (most == credits_.size()) {
    return kNobody;
  }
  credits_[most] -= sum;
  return static_cast<int64_t>(most);
}

} // namespace polytask
