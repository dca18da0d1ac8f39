// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/ArrayRef.h>
#include <torch/optim/sgd.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "program/linear_heads.h"
#include "program/normal_equations.h"
#include "step_context.h"

namespace polytask::detail {

/// Many steps on one batch by its normal equations, watched by nobody: joint,
/// or of one task each where `source` draws.
class ModesRun {
 public:
  /// Less than any answer of a `TaskSource`.
  static constexpr int64_t kNotDrawn = std::numeric_limits<int64_t>::min();

  ModesRun(
      StepContext& context,
      const LinearHeads& heads,
      const Batch& batch,
      const HeadSteps& steps,
      const TaskSource& source);

  /// Why the steps cannot be taken this way; empty where they can.
  std::string obstacle();
  /// Whether they are cheaper than steps on residuals, by count of operations.
  bool is_cheaper(int64_t count) const;

  /// Takes up to `count` steps and returns how many: none where something is
  /// not finite to begin with, fewer where a task was `drawn` that the batch
  /// lacks (else kNotDrawn). Parameters and momentum of the tasks that moved
  /// are written in the end, also where a step throws.
  int64_t run(int64_t count, int64_t& counter, int64_t& drawn);

 private:
  static constexpr size_t kNoPlace = static_cast<size_t>(-1);

  void check_loss(const NormalEquations& equations, size_t place) const;

  StepContext& context_;
  const LinearHeads& heads_;
  const HeadSteps& steps_;
  const TaskSource& source_;
  std::vector<const torch::optim::SGDOptions*> options_; // by place
  std::vector<size_t> places_;                           // by task
  std::vector<char> in_batch_;                           // by task
  std::vector<bool> takes_part_;                         // by task
};

} // namespace polytask::detail
