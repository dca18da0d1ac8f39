// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/ArrayRef.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "../kernels/modes.h"
#include "eigenbasis.h"
#include "head_step.h"
#include "linear_heads.h"

namespace polytask::detail {

/// Linear tasks with squared error on one batch, by its normal equations in
/// their eigenbasis. There a step of SGD (with momentum, Nesterov's, weight
/// decay) moves each of the d + 1 modes of an output by itself, whatever B is.
///
/// Positions are kept in double, as distances from the least-squares solution,
/// whose loss and gradient are computed from the data, so that nothing cancels
/// as training converges. Parameters are rounded to their dtype only where
/// somebody sees them: float32 results are closer to exact arithmetic than
/// those of a loop in float32.
class NormalEquations {
 public:
  /// Reads the heads' parameters.
  NormalEquations(const LinearHeads& heads, c10::ArrayRef<HeadStep> steps);
  NormalEquations(const NormalEquations&) = delete;
  NormalEquations& operator=(const NormalEquations&) = delete;

  /// The loss of a task before its next step; infinite where the sum over its
  /// labels is, in the model's dtype. `place`: among the steps.
  double loss(size_t place) const;
  /// Whether every loss and every curvature is, to begin with.
  bool is_finite() const;
  void step(size_t place, const torch::optim::SGDOptions& options);

  void read_momentum(torch::optim::Optimizer& optimizer);
  /// Writes parameters and momentum of the tasks that took a step; the others'
  /// stay as they are, to the last bit.
  void write(torch::optim::Optimizer& optimizer) const;

  /// How many eigenbases these steps need.
  static int64_t count_bases(
      const LinearHeads& heads, c10::ArrayRef<HeadStep> steps);

 private:
  struct Output {
    size_t basis = 0;
    ModeColumn column{};
    double reference_loss = 0;
    /// Distance, slope, reference and momentum, each [modes].
    std::vector<double> storage;
  };
  struct TaskPart {
    LinearLayer layer;
    size_t first; // its outputs are [first, first + layer.outputs)
    double weight;
    int64_t labels;
    double loss;
    bool has_momentum;
    bool moved;
  };
  /// Outputs of one basis.
  struct Group {
    const at::Tensor* input = nullptr;
    bool has_bias = false;
    bool has_missing = false;
    std::vector<size_t> outputs;
    std::vector<Eigenbasis::Target> targets;
    std::vector<double> parameters; // [outputs, size]
  };

  static Group& group_of(
      std::vector<Group>& groups, const HeadStep& step, bool has_bias);
  void write_parameters(const TaskPart& task) const;
  void write_momentum(
      const TaskPart& task, torch::optim::Optimizer& optimizer) const;
  void add(Group& group);
  double loss_now(const TaskPart& task) const;

  std::vector<Eigenbasis> bases_;
  std::vector<Output> outputs_;
  std::vector<TaskPart> tasks_;
};

} // namespace polytask::detail
