// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/loader.h>

#include <ATen/ops/full_like.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "rows.h"

namespace polytask::data {

namespace {

void check_loader(const Dataset& dataset, const LoaderOptions& options) {
  TORCH_CHECK_VALUE(
      options.batch_size() >= 1,
      "Loader: expected a batch_size of 1 or more, but got ",
      options.batch_size(),
      ".");
  TORCH_CHECK_VALUE(dataset.size() > 0, "Loader: the data set has no rows.");
  TORCH_CHECK_VALUE(
      !options.drop_last() || options.batch_size() <= dataset.size(),
      "Loader: with drop_last, a batch_size of ",
      options.batch_size(),
      " leaves no batch of a data set of ",
      dataset.size(),
      " rows.");
  TORCH_CHECK_VALUE(
      options.shards() >= 1 && options.shard() >= 0 &&
          options.shard() < options.shards(),
      "Loader: expected a shard from 0 to their number - 1, but got ",
      options.shard(),
      " of ",
      options.shards(),
      ".");
}

// What one look through all rows promises for each batch of them. Nothing for
// class indices: each loss has an ignore index of its own.
BatchOptions settled(const Dataset& dataset, const BatchOptions& options) {
  // Without weights: a row of weight 0 has its label all the same.
  const Batch all(dataset.inputs(), dataset.targets(), options);
  all.check_input();
  const bool complete = std::all_of(
      all.parts().begin(), all.parts().end(), [](const Batch::Part& part) {
        return !at::isIntegralType(
                   part.labels.target().scalar_type(),
                   /*includeBool=*/false) &&
            part.labels.is_complete();
      });
  return BatchOptions().check_input(false).complete(
      complete || options.complete());
}

// What sets a loader apart from the one whose state it is given.
std::string difference_of_loaders(
    const LoaderFingerprint& state, const LoaderFingerprint& own) {
  const auto told = [](const char* what, auto is, auto own_is) {
    return is == own_is ? "" : c10::str(what, is, ", not ", own_is, "; ");
  };
  std::string all = told("rows: ", state.rows, own.rows) +
      told("batch_size: ", state.batch_size, own.batch_size) +
      told("shuffle: ", state.shuffle, own.shuffle) +
      told("drop_last: ", state.drop_last, own.drop_last) +
      told("seed: ", state.seed, own.seed);
  return all.empty() ? all : all.substr(0, all.size() - 2);
}

// A row in which labels are missing, or have no weight where they are classes:
// each loss has an ignore index of its own.
Dataset without_labels(const Dataset& row) {
  Batch::Targets targets;
  Batch::Targets weights;
  for (const auto& [task, target] : row.targets()) {
    if (target.is_floating_point()) {
      targets.emplace_back(
          task,
          at::full_like(target, std::numeric_limits<double>::quiet_NaN()));
    } else {
      targets.emplace_back(task, target);
      weights.emplace_back(task, at::zeros({1}, target.device()));
    }
  }
  return Dataset(row.inputs(), targets).with_weights(weights);
}

} // namespace

Loader::Loader(Dataset dataset, LoaderOptions options)
    : dataset_(std::move(dataset)), options_(options) {
  check_loader(dataset_, options_);
  options_.batch(settled(dataset_, options_.batch()));
}

int64_t Loader::batches_per_epoch() const {
  const int64_t size = options_.batch_size();
  const int64_t whole = dataset_.size() / size;
  return whole + (!options_.drop_last() && dataset_.size() % size > 0 ? 1 : 0);
}

void Loader::start_epoch(int64_t epoch) {
  epoch_ = epoch;
  position_ = 0;
  order_ = at::Tensor();
}

std::optional<Dataset> Loader::next_rows() {
  const int64_t left = dataset_.size() - position_;
  const int64_t count = std::min(options_.batch_size(), left);
  if (count == 0 || (options_.drop_last() && count < options_.batch_size())) {
    start_epoch(epoch_ + 1);
    return std::nullopt;
  }
  if (options_.shuffle() && !order_.defined()) {
    const auto epoch = static_cast<uint64_t>(epoch_);
    order_ = detail::shuffled_rows(dataset_.size(), options_.seed(), epoch)
                 .to(dataset_.device());
  }
  const int64_t first = std::exchange(position_, position_ + count);
  const int64_t begin = count * options_.shard() / options_.shards();
  const int64_t end = count * (options_.shard() + 1) / options_.shards();
  lacks_rows_ = begin == end;
  if (!lacks_rows_) {
    return rows(first + begin, end - begin);
  }
  return without_labels(rows(first, 1));
}

Dataset Loader::rows(int64_t first, int64_t count) const {
  return dataset_.mapped([&](const at::Tensor& values) {
    return options_.shuffle()
        ? values.index_select(0, order_.narrow(0, first, count))
        : values.narrow(0, first, count).clone();
  });
}

Dataset Loader::next_rows_endless() {
  std::optional<Dataset> rows = next_rows();
  return rows ? *std::move(rows) : *next_rows();
}

std::optional<Batch> Loader::next() {
  const std::optional<Dataset> rows = next_rows();
  return rows ? std::optional(rows->batch(batch_options())) : std::nullopt;
}

Batch Loader::next_endless() {
  const Dataset rows = next_rows_endless();
  return rows.batch(batch_options());
}

// Of the last rows.
BatchOptions Loader::batch_options() const {
  BatchOptions options = options_.batch();
  return lacks_rows_ ? options.complete(false) : options;
}

Loader::Iterator Loader::begin() {
  return Iterator(*this);
}

void Loader::next_epoch() {
  start_epoch(epoch_ + 1);
}

LoaderFingerprint Loader::fingerprint() const {
  return {
      dataset_.size(),
      options_.batch_size(),
      options_.shuffle(),
      options_.drop_last(),
      options_.seed()};
}

LoaderState Loader::state() const {
  return {epoch_, position_, fingerprint()};
}

void Loader::load_state(const LoaderState& state) {
  if (state.loader) {
    const std::string other =
        difference_of_loaders(*state.loader, fingerprint());
    TORCH_CHECK_VALUE(
        other.empty(), "Loader: the state is of another loader: ", other, ".");
  }
  const int64_t size = options_.batch_size();
  const int64_t rows = dataset_.size();
  const int64_t last = options_.drop_last() ? rows - rows % size : rows;
  TORCH_CHECK_VALUE(
      state.epoch >= 0 && state.position >= 0 && state.position <= last &&
          (state.position % size == 0 || state.position == last),
      "Loader: a data set of ",
      rows,
      " rows in batches of ",
      size,
      " cannot stand in epoch ",
      state.epoch,
      " at position ",
      state.position,
      "; a position is 0 or the end of a batch.");
  start_epoch(state.epoch);
  position_ = state.position;
}

void Loader::save(torch::serialize::OutputArchive& archive) const {
  state().save(archive);
}

void Loader::load(torch::serialize::InputArchive& archive) {
  load_state(LoaderState::read(archive, "Loader"));
}

} // namespace polytask::data
