// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/training/samplers/uniform.h>

namespace polytask {

int64_t UniformSampler::draw() {
  return static_cast<int64_t>(uniform() * static_cast<double>(tasks().size()));
}

} // namespace polytask
