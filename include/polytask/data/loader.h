// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>
#include <polytask/data/dataset.h>

namespace polytask::data {

struct POLYTASK_API LoaderOptions {
  /// Rows in a batch; the last of an epoch may have fewer.
  TORCH_ARG(int64_t, batch_size) = 32;
  /// Take the rows of each epoch in a new random order.
  TORCH_ARG(bool, shuffle) = true;
  /// Leave out the last batch of an epoch if it has fewer rows.
  TORCH_ARG(bool, drop_last) = false;
  TORCH_ARG(uint64_t, seed) = 0;
  TORCH_ARG(BatchOptions, batch) = {};
};

/// Where a loader stands. The order of an epoch depends only on the seed and
/// the epoch's number, so nothing else has to be kept.
struct POLYTASK_API LoaderState {
  /// Counts from 0.
  int64_t epoch = 0;
  /// How many rows of the epoch have been given out.
  int64_t position = 0;

  bool operator==(const LoaderState& other) const = default;
};

/// Gives out a data set in batches, on the data set's device.
///
/// The data are looked through once, when the loader is made: batches of data
/// without a missing label never wait for an accelerator.
///
/// ```cpp
/// auto loader = polytask::data::Loader(train, LoaderOptions().batch_size(64));
/// for (const polytask::Batch& batch : loader) { trainer.step(batch); }
/// ```
class POLYTASK_API Loader {
 public:
  class Iterator;

  /// Throws `c10::ValueError` if the data set is empty or its input holds NaN
  /// (where `BatchOptions` say so), if `batch_size` is below 1, or if an epoch
  /// would have no batch.
  explicit Loader(Dataset dataset, LoaderOptions options = {});

  /// The next batch, or nothing once at the end of each epoch; the call after
  /// that begins the next epoch.
  std::optional<Batch> next();

  /// The next batch, of the next epoch where this one is at its end.
  Batch next_endless();

  /// One whole epoch: the present one if none of it has been given out, else
  /// the next. A loop that is left early leaves the loader where it stands.
  Iterator begin();
  std::default_sentinel_t end() const {
    return {};
  }

  const Dataset& dataset() const {
    return dataset_;
  }
  int64_t batches_per_epoch() const;
  /// The number of the present epoch, from 0.
  int64_t epoch() const {
    return state_.epoch;
  }

  LoaderState state() const {
    return state_;
  }
  /// Goes on as a loader of the same data and options went on from `state`.
  /// Throws `c10::ValueError` for a state that this loader cannot be in.
  void restore(const LoaderState& state);

 private:
  friend class MultiLoader;

  std::optional<Dataset> next_rows();
  Dataset next_rows_endless();
  void start_epoch(int64_t epoch);

  Dataset dataset_;
  LoaderOptions options_;
  LoaderState state_;
  // The epoch's rows, int64 [n]; undefined until its first batch.
  at::Tensor order_;
};

/// Runs through the rest of an epoch.
class POLYTASK_API Loader::Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using pointer = const Batch*;
  using reference = const Batch&;

  explicit Iterator(Loader& loader) : loader_(&loader), batch_(loader.next()) {}

  const Batch& operator*() const {
    return *batch_;
  }
  const Batch* operator->() const {
    return &*batch_;
  }
  Iterator& operator++() {
    batch_ = loader_->next();
    return *this;
  }
  void operator++(int) {
    ++*this;
  }
  bool operator==(std::default_sentinel_t) const {
    return !batch_.has_value();
  }

 private:
  Loader* loader_;
  std::optional<Batch> batch_;
};

} // namespace polytask::data
