// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>

namespace polytask::data {

/// Rows for several tasks: one input and each task's target. The tensors are
/// not copied.
///
/// ```cpp
/// auto data = polytask::data::Dataset(x, {{"heating", y1}, {"cooling", y2}});
/// auto train = data.select(train_rows);
/// ```
class POLYTASK_API Dataset {
 public:
  /// `input` [n, ...] and for each task a target [n, ...], on one device.
  ///
  /// Throws `c10::ValueError` if there is no task, a task comes twice, or the
  /// numbers of rows or the devices differ.
  Dataset(at::Tensor input, Batch::Targets targets);

  /// The number of rows; there may be none.
  int64_t size() const {
    return input_.size(0);
  }
  at::Device device() const {
    return input_.device();
  }
  std::vector<std::string> tasks() const;
  bool has(const std::string& task) const;

  const at::Tensor& input() const {
    return input_;
  }
  /// Throws `c10::ValueError` for an unknown task.
  const at::Tensor& target(const std::string& task) const;
  const Batch::Targets& targets() const {
    return targets_;
  }

  /// The rows that `index` (int64 [n], on any device) counts from 0, in its
  /// order. Throws `c10::IndexError` for a row that is not there.
  Dataset select(const at::Tensor& index) const;

  /// The same rows on another device.
  Dataset to(const at::Device& device) const;

  /// All rows, as something to train on; throws as `Batch` does.
  Batch batch(BatchOptions options = {}) const;

 private:
  at::Tensor input_;
  Batch::Targets targets_;
};

} // namespace polytask::data
