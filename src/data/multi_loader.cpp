// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/multi_loader.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <unordered_set>

#include "core/check.h"

namespace polytask::data {

MultiLoader::MultiLoader(
    std::vector<Dataset> datasets, const LoaderOptions& options) {
  TORCH_CHECK_VALUE(!datasets.empty(), "MultiLoader: it has no data set.");
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < datasets.size(); ++i) {
    for (const auto& task : datasets[i].tasks()) {
      TORCH_CHECK_VALUE(
          seen.insert(task).second,
          "MultiLoader: task '",
          task,
          "' stands in more than one data set.");
    }
    try {
      loaders_.emplace_back(
          std::move(datasets[i]),
          LoaderOptions(options).seed(options.seed() + i));
    } catch (const c10::Error&) {
      detail::rethrow_with("MultiLoader: data set " + std::to_string(i) + ": ");
    }
  }
}

Loader& MultiLoader::loader_of(const std::string& task) {
  for (auto& loader : loaders_) {
    if (loader.dataset().has(task)) {
      return loader;
    }
  }
  TORCH_CHECK_VALUE(
      false,
      "MultiLoader: it has no task '",
      task,
      "'; it has ",
      detail::quoted(tasks()),
      ".");
}

Batch MultiLoader::next(const std::string& task) {
  return loader_of(task).next_endless();
}

Batch MultiLoader::next_all() {
  std::vector<Batch::Example> examples;
  bool complete = true;
  for (auto& loader : loaders_) {
    const Dataset rows = loader.next_rows_endless();
    for (const auto& [task, target] : rows.targets()) {
      examples.push_back({task, rows.input(), target});
    }
    complete = complete && loader.options_.batch().complete();
  }
  return Batch::per_task(
      std::move(examples),
      BatchOptions().check_input(false).complete(complete));
}

std::vector<std::string> MultiLoader::tasks() const {
  std::vector<std::string> names;
  for (const auto& [task, rows] : sizes()) {
    names.push_back(task);
  }
  return names;
}

std::vector<std::pair<std::string, int64_t>> MultiLoader::sizes() const {
  std::vector<std::pair<std::string, int64_t>> sizes;
  for (const auto& loader : loaders_) {
    for (const auto& task : loader.dataset().tasks()) {
      sizes.emplace_back(task, loader.dataset().size());
    }
  }
  return sizes;
}

std::vector<LoaderState> MultiLoader::state() const {
  std::vector<LoaderState> states;
  for (const auto& loader : loaders_) {
    states.push_back(loader.state());
  }
  return states;
}

void MultiLoader::restore(const std::vector<LoaderState>& state) {
  TORCH_CHECK_VALUE(
      state.size() == loaders_.size(),
      "MultiLoader: expected a state for each of the ",
      loaders_.size(),
      " data sets, but got ",
      state.size(),
      ".");
  // On copies first: a bad state is to leave all loaders as they are.
  std::vector<Loader> restored = loaders_;
  for (size_t i = 0; i < restored.size(); ++i) {
    restored[i].restore(state[i]);
  }
  loaders_ = std::move(restored);
}

} // namespace polytask::data
