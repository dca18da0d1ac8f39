// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/batch.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace polytask::benchmarks {

/// A folder with the data of each job, as benchmarks/peers/jobs.py writes it;
/// without one (empty) the programs make their own.
using DataFolder = std::string;

/// What a job starts from: float32 data of T tasks on one input.
struct Problem {
  torch::Tensor input;   // [B, d]
  torch::Tensor targets; // [B, T]
  torch::Tensor start;   // [P], as Contender::parameters
  /// The task of each alternating step, over and over.
  std::vector<int64_t> draws;

  int64_t tasks() const {
    return targets.size(1);
  }
  /// The target of each task, [B, 1].
  std::vector<torch::Tensor> columns() const;
  /// What a task is called.
  static std::string name(int64_t task);
  Batch::Targets named_targets() const;
};

/// A problem that all contenders of a job share; made when first asked for.
class LazyProblem {
 public:
  explicit LazyProblem(std::function<Problem()> make)
      : shared_(std::make_shared<Shared>(Shared{std::move(make), {}})) {}

  const Problem& get() const {
    if (!shared_->problem) {
      shared_->problem = shared_->make();
    }
    return *shared_->problem;
  }

 private:
  struct Shared {
    std::function<Problem()> make;
    std::optional<Problem> problem;
  };

  std::shared_ptr<Shared> shared_;
};

/// What jobs.py wrote for one job.
Problem read_problem(const std::string& folder);

/// Linear tasks: y = x Wᵀ + b, with a little noise.
Problem linear_problem(
    int64_t tasks, int64_t rows, int64_t features, const DataFolder& data);

/// Tasks for a network features -> hidden -> hidden -> 1 each; `folder` is that
/// of the job itself.
Problem network_problem(
    int64_t tasks,
    int64_t rows,
    int64_t features,
    int64_t hidden,
    const DataFolder& folder);

} // namespace polytask::benchmarks
