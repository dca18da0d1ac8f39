// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/ArrayRef.h>
#include <torch/optim/sgd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/step_report.h>

#include "program/linear_heads.h"
#include "program/normal_equations.h"
#include "step_context.h"

namespace polytask::detail {

/// Many steps on one batch by its normal equations: joint, or of one task each
/// where `source` draws.
class ModesRun {
 public:
  static constexpr int64_t kNoTask = -1;

  ModesRun(
      StepContext& context,
      const LinearHeads& heads,
      const HeadSteps& steps,
      const TaskSource& source,
      const StepObserver& observer);

  /// Why the steps cannot be taken this way; empty where they can.
  std::string obstacle();
  /// Whether they are cheaper than steps on residuals, by count of operations.
  bool is_cheaper(int64_t count) const;

  /// Takes up to `count` steps and returns how many: fewer where the observer
  /// changed what they rest on, or where a task was `drawn` that takes no part
  /// in the batch (else kNoTask). Parameters and momentum are written wherever
  /// somebody may see them, and in the end, also where a step throws.
  int64_t run(int64_t count, int64_t& counter, int64_t& drawn);

 private:
  static constexpr size_t kNoPlace = static_cast<size_t>(-1);
  /// What the equations were made from; an observer may change it.
  using Fingerprint = std::vector<std::pair<const void*, int64_t>>;

  void find_options(std::string& reason);
  void check_losses(c10::ArrayRef<size_t> places) const;
  StepReport report(c10::ArrayRef<size_t> places, int64_t drawn) const;
  void write(c10::ArrayRef<size_t> places);
  Fingerprint fingerprint() const;
  /// Whether the observer changed something.
  bool show(StepReport report, int64_t counter);

  StepContext& context_;
  const LinearHeads& heads_;
  const HeadSteps& steps_;
  const TaskSource& source_;
  const StepObserver& observer_;
  std::unique_ptr<NormalEquations> equations_;
  std::vector<const torch::optim::SGDOptions*> options_; // by place
  std::vector<size_t> places_;                           // by task
};

} // namespace polytask::detail
