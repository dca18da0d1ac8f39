// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>
#include <polytask/core/inputs.h>

namespace polytask::data {

/// Rows for several tasks: their input, which is one tensor or several named
/// ones, each task's target, and where wanted how much each row counts for a
/// task. The tensors are not copied.
///
/// ```cpp
/// auto data = polytask::data::Dataset(x, {{"heating", y1}, {"cooling", y2}})
///                 .with_weights({{"heating", w}});
/// auto train = data.select(train_rows);
/// ```
class POLYTASK_API Dataset {
 public:
  /// `inputs` [n, ...] and for each task a target [n, ...], on one device.
  ///
  /// Throws `c10::ValueError` if there is no task, a task comes twice, or the
  /// numbers of rows or the devices differ.
  Dataset(Inputs inputs, Batch::Targets targets);

  /// The same rows with weights [n] of them for some tasks, at least 0: the
  /// loss of such a task on some of the rows is Σ w · l / Σ w. What the data
  /// set had for those tasks is replaced. They go where the rows go: through
  /// `select`, `to`, `batch` and the loaders.
  ///
  /// Throws `c10::ValueError` for an unknown task, one that comes twice, and
  /// weights of another length or device, negative, NaN or infinite; with the
  /// task.
  Dataset with_weights(const Batch::Targets& weights) const;

  /// The number of rows; there may be none.
  int64_t size() const {
    return inputs_.rows();
  }
  at::Device device() const {
    return inputs_.device();
  }
  std::vector<std::string> tasks() const;
  bool has(const std::string& task) const;

  /// Throws, and lists their names, where there are several tensors.
  const at::Tensor& input() const {
    return inputs_.tensor();
  }
  const Inputs& inputs() const {
    return inputs_;
  }
  /// Throws `c10::ValueError` for an unknown task.
  const at::Tensor& target(const std::string& task) const;
  const Batch::Targets& targets() const {
    return targets_;
  }
  /// Of the tasks that have some.
  const Batch::Targets& weights() const {
    return weights_;
  }

  /// The rows that `index` (int64 [n], on any device) counts from 0, in its
  /// order. Throws `c10::IndexError` for a row that is not there.
  Dataset select(const at::Tensor& index) const;

  /// The same rows on another device.
  Dataset to(const at::Device& device) const;

  /// All rows, as something to train on, in the data set's own memory; throws
  /// as `Batch` does.
  Batch batch(BatchOptions options = {}) const;

 private:
  friend class Loader;

  /// With each tensor replaced by what `map` makes of it; nothing is checked.
  template <typename Map>
  Dataset mapped(const Map& map) const {
    Dataset other = *this;
    other.inputs_ = inputs_.map(map);
    for (auto* tensors : {&other.targets_, &other.weights_}) {
      for (auto& entry : *tensors) {
        entry.second = map(entry.second);
      }
    }
    return other;
  }

  Inputs inputs_;
  Batch::Targets targets_;
  Batch::Targets weights_;
};

} // namespace polytask::data
