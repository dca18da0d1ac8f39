// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/uniform.h>

namespace polytask {

int64_t UniformSampler::draw() {
  return draw_proportionally(std::vector<double>(tasks().size(), 1.0));
}

} // namespace polytask
