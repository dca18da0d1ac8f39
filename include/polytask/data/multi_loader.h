// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/batch.h>
#include <polytask/data/dataset.h>
#include <polytask/data/loader.h>
#include <polytask/data/loader_state.h>

namespace polytask::data {

/// Gives out several data sets, each with its own tasks and number of rows.
/// Each has a loader of its own and begins again when it is through.
///
/// ```cpp
/// polytask::data::MultiLoader loader({red_wine, white_wine});
/// polytask::Batch batch = loader.next("red");
/// ```
class POLYTASK_API MultiLoader {
 public:
  /// The options hold for each data set; data set i shuffles with the seed
  /// `seed + i`.
  ///
  /// Throws `c10::ValueError` if there is no data set or a task stands in two,
  /// and as `Loader` does.
  explicit MultiLoader(
      std::vector<Dataset> datasets, const LoaderOptions& options = {});

  /// The next batch of the data set that has the task, with all tasks of that
  /// data set. Throws `c10::ValueError` for an unknown task.
  Batch next(const std::string& task);

  /// The next batch of every data set, joined: the tasks of one data set share
  /// their rows, so that a step computes a trunk's features once for each data
  /// set.
  Batch next_all();

  /// That of each data set, where it stands.
  const std::vector<Loader>& loaders() const {
    return loaders_;
  }
  /// All tasks, in the order of the data sets.
  std::vector<std::string> tasks() const;
  /// Each task and the rows of its data set, in that order.
  std::vector<std::pair<std::string, int64_t>> sizes() const;

  /// Where each data set's loader stands.
  std::vector<LoaderState> state() const;
  /// Goes on as a loader of the same data and options went on from `state`.
  /// Throws `c10::ValueError`, with the data set, for a state of other loaders
  /// (see `Loader::load_state`); then all stay where they are.
  void load_state(const std::vector<LoaderState>& state);
  /// The same.
  void restore(const std::vector<LoaderState>& state) {
    load_state(state);
  }

  /// The state as an archive: `torch::save(loader, path)`, `torch::load`.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 private:
  Loader& loader_of(const std::string& task);

  std::vector<Loader> loaders_;
  // The loader that has each task.
  std::unordered_map<std::string, size_t> places_;
};

inline torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const MultiLoader& loader) {
  loader.save(archive);
  return archive;
}

inline torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, MultiLoader& loader) {
  loader.load(archive);
  return archive;
}

} // namespace polytask::data
