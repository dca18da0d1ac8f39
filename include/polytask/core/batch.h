// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/core/labels.h>

namespace polytask {

namespace detail {
class InputLook;
class NameIndex;
} // namespace detail

/// What `Batch` may take for granted. Looking through data on an accelerator
/// waits for the device; both options together leave out each such wait.
struct POLYTASK_API BatchOptions {
  /// Refuse an input that holds NaN: see `Batch::check_input`.
  TORCH_ARG(bool, check_input) = true;
  /// The caller promises that no label is missing, so none is looked for.
  TORCH_ARG(bool, complete) = false;
};

/// Rows to train on: the input of all tasks, or an input for each, and each
/// task's target. An input is one tensor or several named ones: see `Inputs`. A
/// label is missing where a target is NaN (or, for class indices, the ignore
/// index): see `Labels`. A task that has no target here, or none but missing
/// labels, takes no part in a step on this batch.
///
/// The tensors are not copied. Their shapes, dtypes and devices are checked
/// here. Inputs and labels are looked through when a step first needs them, and
/// once for all copies of the batch: changing them in place afterwards is not
/// noticed. Labels on an accelerator are looked through here, all at once.
///
/// Threads may read one batch, and take steps on it, at once.
///
/// ```cpp
/// auto batch = polytask::Batch(x, {{"y1", y1}, {"y2", y2}});
/// auto apart = polytask::Batch::per_task({{"y1", x1, y1}, {"y2", x2, y2}});
/// ```
class POLYTASK_API Batch {
 public:
  using Targets = std::vector<std::pair<std::string, at::Tensor>>;

  /// A task with rows of its own.
  struct Example {
    std::string task;
    Inputs input;
    at::Tensor target;
  };

  /// One task's part: its inputs [B, ...] and its labels [B, ...].
  struct Part {
    std::string task;
    /// The input where it is one tensor; undefined where there are several.
    at::Tensor input;
    Labels labels;
    Inputs inputs;
  };

  /// One input [B, ...] for all tasks; each target has B rows.
  ///
  /// Throws `c10::ValueError` if there is no row or no task, a task comes
  /// twice, or numbers of rows or devices differ.
  Batch(Inputs input, const Targets& targets, BatchOptions options = {});

  /// An input for each task; tasks may differ in their number of rows.
  /// Throws as the constructor does.
  static Batch per_task(
      std::vector<Example> examples, BatchOptions options = {});

  /// The same rows with weights [B] or [B, 1] for those tasks: see
  /// `Labels::with_weights`. Throws on a task that the batch lacks or that
  /// comes twice, and on weights that the labels refuse; the message names the
  /// task.
  Batch with_weights(const Targets& weights) const;

  /// True where all tasks see one input.
  bool shares_input() const {
    return shares_input_;
  }
  /// The shared input; throws where each task has its own, or where it is
  /// several tensors.
  const at::Tensor& input() const;
  /// The shared input, however many tensors it is.
  const Inputs& inputs() const;
  const std::vector<Part>& parts() const {
    return parts_;
  }
  /// The part of a task; throws if the batch has none of that name.
  const Part& part(const std::string& task) const;
  bool has(const std::string& task) const;
  std::vector<std::string> tasks() const;
  /// Rows of the shared input, or of all inputs together.
  int64_t rows() const;
  at::Device device() const;

  /// The same rows on another device. What was not looked through is now, and
  /// nothing again, so a batch made on the CPU and moved never waits for the
  /// device. Throws as `check_input` does.
  Batch to(const at::Device& device) const;

  /// Throws `c10::ValueError`, and names the tensor, where an input holds NaN,
  /// unless `BatchOptions::check_input` is off. A joint step asks by itself,
  /// and an alternating one for the input of its task, before anything moves;
  /// an input that passed is not looked through again.
  void check_input() const;

 private:
  friend class detail::InputLook;

  /// Places of parts by their tasks' names.
  using Index = std::shared_ptr<const detail::NameIndex>;

  /// One where all tasks share the input, else one for each part; null where
  /// none is wanted.
  using InputLooks = std::shared_ptr<detail::InputLook[]>;

  /// With no part yet, but room for so many.
  Batch(size_t count, bool shares_input, const BatchOptions& options);
  void add(
      const std::string& task,
      const Inputs& input,
      const at::Tensor& target,
      const Labels::ManyMissing& missing);
  /// Once all are there.
  void finish(const Labels::ManyMissing& missing);
  void index_tasks();
  const Part* find(const std::string& task) const;

  std::vector<Part> parts_;
  bool shares_input_;
  /// Null where there are few.
  Index index_;
  InputLooks looks_;
};

} // namespace polytask
