// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/task_sampler.h>

namespace polytask {

/// One task after the other, in the model's order. Nothing is random.
class POLYTASK_API RoundRobinSampler
    : public CloneableSampler<RoundRobinSampler> {
 protected:
  int64_t draw() override;
};

} // namespace polytask
