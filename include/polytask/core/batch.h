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

/// What `Batch` may take for granted. Looking through data on an accelerator
/// waits for the device; both options together make a batch without a wait.
struct POLYTASK_API BatchOptions {
  /// Refuse an input that holds NaN.
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
/// The tensors are not copied. They are checked and looked through once, here:
/// changing them in place afterwards is not noticed.
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
  /// twice, numbers of rows or devices differ, or an input holds NaN.
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

  /// The same rows on another device; nothing is looked through again, so a
  /// batch made on the CPU and moved never waits for the device.
  Batch to(const at::Device& device) const;

 private:
  /// Places of parts in the order of their tasks' names.
  using Index = std::shared_ptr<const std::vector<size_t>>;

  Batch(std::vector<Part> parts, bool shares_input, Index index);
  static Batch make(
      std::vector<Example> examples,
      bool shares_input,
      const BatchOptions& options);
  static Index index_of(const std::vector<Example>& examples);
  const Part* find(const std::string& task) const;

  std::vector<Part> parts_;
  bool shares_input_;
  /// Null where there are few.
  Index index_;
};

} // namespace polytask
