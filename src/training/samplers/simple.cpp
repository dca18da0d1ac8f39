// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/simple.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace polytask {

int64_t UniformSampler::draw() {
  const auto& takers = takes_part();
  const auto count = std::count(takers.begin(), takers.end(), true);
  auto left = static_cast<int64_t>(uniform() * static_cast<double>(count));
  size_t task = 0;
  while (!takers[task] || left-- > 0) {
    ++task;
  }
  return static_cast<int64_t>(task);
}

int64_t RoundRobinSampler::draw() {
  const auto count = static_cast<int64_t>(tasks().size());
  do {
    last_ = (last_ + 1) % count;
  } while (!takes_part()[static_cast<size_t>(last_)]);
  return last_;
}

bool RoundRobinSampler::are_values(const std::vector<double>& values) const {
  return values[0] >= -1 && values[0] < static_cast<double>(tasks().size()) &&
      values[0] == std::floor(values[0]);
}

ProportionalSampler::ProportionalSampler(TaskNumbers sizes)
    : sizes_(std::move(sizes)) {}

void ProportionalSampler::bind() {
  by_task_ = by_task(sizes_);
}

int64_t ProportionalSampler::draw() {
  return draw_proportionally(by_task_);
}

} // namespace polytask
