// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/step_report.h>
#include <polytask/model/multi_task_model.h>

namespace polytask {

/// How the tasks' gradients stood to each other over many steps: the means of
/// what their reports say. Steps without `StepReport::gradients`, such as those
/// of alternating training, are only counted.
///
/// A task takes part in a step if its loss or its gradient is not 0; a mean is
/// over the steps in which the task, or both of a pair, took part, and NaN if
/// there were none. All tensors are in double on the CPU.
///
/// ```cpp
/// polytask::ConflictRecorder recorder(model);
/// joint.run(batch, 100, std::ref(recorder));
/// recorder.print(std::cout);
/// ```
class POLYTASK_API ConflictRecorder {
 public:
  /// Throws if there is no task.
  explicit ConflictRecorder(std::vector<std::string> tasks);
  explicit ConflictRecorder(const MultiTaskModel& model);

  /// Throws, and adds nothing, on a report of another number of tasks. Waits
  /// for losses on a device.
  void add(const StepReport& report);
  /// The same, as the observer of a run.
  void operator()(const StepReport& report) {
    add(report);
  }
  /// Forgets all steps.
  void reset();

  const std::vector<std::string>& tasks() const {
    return tasks_;
  }
  /// Those with gradients, and those without.
  int64_t steps() const {
    return steps_;
  }
  int64_t steps_without_gradients() const {
    return steps_without_gradients_;
  }

  /// [T, T]: in how many steps both took part.
  at::Tensor steps_together() const;
  /// [T, T]: mean cosine of each pair.
  at::Tensor cosines() const;
  /// [T, T]: in what part of the steps the cosine was negative.
  at::Tensor conflict_rates() const;
  /// [T]: mean length of each gradient.
  at::Tensor norms() const;
  /// [T]: mean factor of each gradient in the update, and mean share in it
  /// (`GradientReport::shares`), over the steps that tell.
  at::Tensor weights() const;
  at::Tensor shares() const;

  /// A line for each task: mean cosines below the diagonal, above it the part
  /// of the steps in conflict; then norm, weight and share.
  void print(std::ostream& stream) const;
  /// A row for each task (other = task) and each pair: task, other, steps,
  /// cosine, conflict_rate, norm, weight, share; what is not known, or is not a
  /// pair's, is left empty. Numbers read back as the same double.
  ///
  /// This and `write_svg` throw, with the path, if they cannot write; then the
  /// file is what it was.
  void write_csv(const std::string& path) const;
  /// A heat map of the mean cosines: blue agrees, red is opposed.
  void write_svg(const std::string& path) const;

 private:
  std::vector<std::string> tasks_;
  int64_t steps_ = 0;
  int64_t steps_without_gradients_ = 0;
  // Sums over the steps.
  at::Tensor together_;  // [T, T]
  at::Tensor cosines_;   // [T, T]
  at::Tensor conflicts_; // [T, T]
  at::Tensor norms_;     // [T]
  at::Tensor weighed_;   // [T]: in how many steps a weight is known
  at::Tensor weights_;   // [T]
  at::Tensor shares_;    // [T]
};

} // namespace polytask
