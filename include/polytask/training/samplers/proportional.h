// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/task_sampler.h>

namespace polytask {

/// Each task in proportion to its number, such as the rows it has.
class POLYTASK_API ProportionalSampler
    : public CloneableSampler<ProportionalSampler> {
 public:
  /// One number for each task, none negative.
  explicit ProportionalSampler(TaskNumbers sizes);

 protected:
  void bind() override;
  int64_t draw() override;

 private:
  TaskNumbers sizes_;
  std::vector<double> by_task_;
};

} // namespace polytask
