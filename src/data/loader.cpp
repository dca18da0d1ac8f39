// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/loader.h>

#include <c10/util/Exception.h>

#include <algorithm>
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
}

// What one look through all rows promises for each batch of them.
BatchOptions settled(const Dataset& dataset, const BatchOptions& options) {
  const Batch all = dataset.batch(options);
  const bool complete = std::all_of(
      all.parts().begin(), all.parts().end(), [](const Batch::Part& part) {
        return part.labels.is_complete();
      });
  return BatchOptions().check_input(false).complete(complete);
}

} // namespace

Loader::Loader(Dataset dataset, LoaderOptions options)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  check_loader(dataset_, options_);
  options_.batch(settled(dataset_, options_.batch()));
}

int64_t Loader::batches_per_epoch() const {
  const int64_t size = options_.batch_size();
  const int64_t whole = dataset_.size() / size;
  return whole + (!options_.drop_last() && dataset_.size() % size > 0 ? 1 : 0);
}

void Loader::start_epoch(int64_t epoch) {
  state_ = {epoch, 0};
  order_ = at::Tensor();
}

std::optional<Dataset> Loader::next_rows() {
  const int64_t left = dataset_.size() - state_.position;
  const int64_t count = std::min(options_.batch_size(), left);
  if (count == 0 || (options_.drop_last() && count < options_.batch_size())) {
    start_epoch(state_.epoch + 1);
    return std::nullopt;
  }
  if (options_.shuffle() && !order_.defined()) {
    const auto epoch = static_cast<uint64_t>(state_.epoch);
    order_ = detail::shuffled_rows(dataset_.size(), options_.seed(), epoch)
                 .to(dataset_.device());
  }
  const int64_t first = std::exchange(state_.position, state_.position + count);
  const auto rows_of = [&](const at::Tensor& values) {
    return options_.shuffle()
        ? values.index_select(0, order_.narrow(0, first, count))
        : values.narrow(0, first, count);
  };
  Batch::Targets targets;
  for (const auto& [task, target] : dataset_.targets()) {
    targets.emplace_back(task, rows_of(target));
  }
  return Dataset(rows_of(dataset_.input()), std::move(targets));
}

Dataset Loader::next_rows_endless() {
  std::optional<Dataset> rows = next_rows();
  return rows ? *std::move(rows) : *next_rows();
}

std::optional<Batch> Loader::next() {
  const std::optional<Dataset> rows = next_rows();
  return rows ? std::optional(rows->batch(options_.batch())) : std::nullopt;
}

Batch Loader::next_endless() {
  return next_rows_endless().batch(options_.batch());
}

Loader::Iterator Loader::begin() {
  if (state_.position > 0) {
    start_epoch(state_.epoch + 1);
  }
  return Iterator(*this);
}

void Loader::restore(const LoaderState& state) {
  TORCH_CHECK_VALUE(
      state.epoch >= 0 && state.position >= 0 &&
          state.position <= dataset_.size(),
      "Loader: a data set of ",
      dataset_.size(),
      " rows cannot stand in epoch ",
      state.epoch,
      " at position ",
      state.position,
      ".");
  start_epoch(state.epoch);
  state_.position = state.position;
}

} // namespace polytask::data
