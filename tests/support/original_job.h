// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/batch.h>
#include <polytask/model/multi_task_model.h>

#include <torch/types.h>

namespace polytask::testing {

/// The original job: y1 = [0.1, 0.2]·x + 0.3 and y2 = [0.5, 0.9]·x + 3.0 over
/// 100 points x uniform in [0, 1]², two linear tasks.
struct OriginalJob {
  explicit OriginalJob(
      uint64_t seed,
      torch::Dtype dtype = torch::kFloat,
      torch::Device device = torch::kCPU);

  Batch batch() const {
    return Batch(x, {{"y1", y1}, {"y2", y2}});
  }
  /// A new model that starts from this job's parameters.
  MultiTaskModel model() const;

  /// The largest distance of any parameter from the truth.
  static double error(const MultiTaskModel& model);

  torch::Tensor x;      // [100, 2]
  torch::Tensor y1;     // [100, 1]
  torch::Tensor y2;     // [100, 1]
  torch::Tensor w1, w2; // [1, 2], uniform in [-1, 1]
};

} // namespace polytask::testing
