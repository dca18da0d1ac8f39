// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/task_sampler.h>

namespace polytask {

/// Every task with the same probability.
class POLYTASK_API UniformSampler : public CloneableSampler<UniformSampler> {
 protected:
  int64_t draw() override;
};

} // namespace polytask
