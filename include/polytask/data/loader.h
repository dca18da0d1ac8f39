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
#include <polytask/data/loader_state.h>

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

 public:
  /// Of every batch, this part of its rows alone: that of one of several
  /// processes (`group->rank()`, `group->size()`), each with a loader of the
  /// same data and options. Order, epochs and state are those of whole batches,
  /// whatever the number of processes, so a state may go on with another. A
  /// process for which a batch has no row left gets one without labels.
  LoaderOptions& shard(int64_t rank, int64_t count) {
    shard_ = rank;
    shards_ = count;
    return *this;
  }
  int64_t shard() const {
    return shard_;
  }
  int64_t shards() const {
    return shards_;
  }

 private:
  int64_t shard_ = 0;
  int64_t shards_ = 1;
};

/// Gives out a data set in batches, on the data set's device. A batch is a copy
/// of its rows, with their weights: changing it in place leaves the data set
/// alone.
///
/// The data are looked through once, when the loader is made: batches of data
/// without a missing label never wait for an accelerator. Class indices are
/// looked through again in each batch, as only a loss knows which of them it
/// ignores; `BatchOptions().complete(true)` promises that it ignores none.
///
/// ```cpp
/// auto loader = polytask::data::Loader(train, LoaderOptions().batch_size(64));
/// while (loader.epoch() < 10) {
///   for (const polytask::Batch& batch : loader) { training.step(batch); }
/// }
/// ```
class POLYTASK_API Loader {
 public:
  class Iterator;

  /// Throws `c10::ValueError` if the data set is empty or its input holds NaN
  /// (where `BatchOptions` say so), if `batch_size` is below 1, if an epoch
  /// would have no batch, or if the shard is none of 0 to their number - 1.
  explicit Loader(Dataset dataset, LoaderOptions options = {});

  /// The next batch, or nothing once at the end of each epoch; the call after
  /// that begins the next epoch.
  std::optional<Batch> next();

  /// The next batch, of the next epoch where this one is at its end.
  Batch next_endless();

  /// The rest of the present epoch, which is all of it where none has been
  /// given out, and nothing where all has. A loop that is left early leaves the
  /// loader where it stands, and the next loop, or that of a loader which took
  /// over its state, goes on from there; `next_epoch` leaves the rest out.
  Iterator begin();
  std::default_sentinel_t end() const {
    return {};
  }

  const Dataset& dataset() const {
    return dataset_;
  }
  /// The most rows of a batch.
  int64_t batch_size() const {
    return options_.batch_size();
  }
  int64_t batches_per_epoch() const;
  /// The number of the present epoch, from 0.
  int64_t epoch() const {
    return epoch_;
  }

  /// Begins the next epoch; what is left of this one is not given out.
  void next_epoch();

  LoaderState state() const;
  /// Goes on as a loader of the same data and options went on from `state`.
  ///
  /// Throws `c10::ValueError`, and stays where it is, for a state of a loader
  /// with another seed, number of rows, `batch_size`, `shuffle` or `drop_last`,
  /// and for a position at which no batch of this loader ends.
  void load_state(const LoaderState& state);
  /// The same.
  void restore(const LoaderState& state) {
    load_state(state);
  }

  /// The state as an archive: `torch::save(loader, path)`, `torch::load`.
  /// `load` throws as `load_state` does, and for the archive of anything else.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 private:
  friend class MultiLoader;

  LoaderFingerprint fingerprint() const;
  std::optional<Dataset> next_rows();
  Dataset rows(int64_t first, int64_t count) const;
  BatchOptions batch_options() const;
  Dataset next_rows_endless();
  void start_epoch(int64_t epoch);

  Dataset dataset_;
  LoaderOptions options_;
  int64_t epoch_ = 0;
  int64_t position_ = 0;
  bool lacks_rows_ = false; // in the last batch, of which others have all
  // The epoch's rows, int64 [n]; undefined until its first batch.
  at::Tensor order_;
};

inline torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Loader& loader) {
  loader.save(archive);
  return archive;
}

inline torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Loader& loader) {
  loader.load(archive);
  return archive;
}

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
