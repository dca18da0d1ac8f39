// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/proportional.h>

#include <utility>

namespace polytask {

ProportionalSampler::ProportionalSampler(TaskNumbers sizes)
    : sizes_(std::move(sizes)) {}

void ProportionalSampler::bind() {
  by_task_ = by_task(sizes_);
}

int64_t ProportionalSampler::draw() {
  return draw_proportionally(by_task_);
}

} // namespace polytask
