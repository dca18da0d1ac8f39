// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/round_robin.h>

namespace polytask {

int64_t RoundRobinSampler::draw() {
  return draws() % static_cast<int64_t>(tasks().size());
}

} // namespace polytask
