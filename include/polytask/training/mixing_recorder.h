// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/sharing.h>

namespace polytask {

/// How a sharing mixed over many steps: the means of its `mixing_weights`, such
/// as the shares that gates gave to experts.
///
/// ```cpp
/// polytask::MixingRecorder recorder;
/// joint.run(batch, 100, [&](const auto&) { recorder.add(model); });
/// recorder.print(std::cout);
/// ```
class POLYTASK_API MixingRecorder {
 public:
  /// Adds what the sharing's last forward mixed. A value that is NaN, because
  /// the task took no part, does not count. Throws, and adds nothing, where it
  /// mixes other things than before.
  void add(const Sharing& sharing);
  void add(const MultiTaskModel& model) {
    add(model->sharing());
  }
  /// Forgets all steps.
  void reset();

  /// How often something was added.
  int64_t steps() const {
    return steps_;
  }
  /// The means, as `Sharing::mixing_weights` has them; NaN where nothing came.
  std::vector<MixingWeights> weights() const;

  /// A table for each of them.
  void print(std::ostream& stream) const;
  /// A line for each value: where, row, column, weight. Numbers read back as
  /// the same double. This and `write_svg` throw, with the path, if they cannot
  /// write; then the file is what it was.
  void write_csv(const std::string& path) const;
  /// A heat map of the one of this name, such as "levels.0"; throws, and lists
  /// those there are, if there is none.
  void write_svg(const std::string& path, const std::string& name) const;

 private:
  int64_t steps_ = 0;
  std::vector<MixingWeights> sums_;
  std::vector<at::Tensor> counts_;
};

} // namespace polytask
