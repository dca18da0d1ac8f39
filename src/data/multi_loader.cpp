// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/multi_loader.h>

#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <utility>

#include "core/check.h"

#include "archive_kind.h"

namespace polytask::data {

namespace {

constexpr const char* kMultiLoaderKind = "polytask::data::MultiLoader";
constexpr int64_t kMultiLoaderVersion = 1;

} // namespace

MultiLoader::MultiLoader(
    std::vector<Dataset> datasets, const LoaderOptions& options) {
  TORCH_CHECK_VALUE(!datasets.empty(), "MultiLoader: it has no data set.");
  for (size_t i = 0; i < datasets.size(); ++i) {
    for (const auto& task : datasets[i].tasks()) {
      TORCH_CHECK_VALUE(
          places_.emplace(task, i).second,
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
  const auto found = places_.find(task);
  TORCH_CHECK_VALUE(
      found != places_.end(),
      "MultiLoader: it has no task '",
      task,
      "'; it has ",
      detail::quoted(tasks()),
      ".");
  return loaders_[found->second];
}

Batch MultiLoader::next(const std::string& task) {
  return loader_of(task).next_endless();
}

Batch MultiLoader::next_all() {
  if (loaders_.size() == 1) {
    return loaders_[0].next_endless();
  }
  std::vector<Batch::Example> examples;
  Batch::Targets weights;
  bool complete = true;
  for (auto& loader : loaders_) {
    const Dataset rows = loader.next_rows_endless();
    for (const auto& [task, target] : rows.targets()) {
      examples.push_back({task, rows.inputs(), target});
    }
    weights.insert(weights.end(), rows.weights().begin(), rows.weights().end());
    complete = complete && loader.batch_options().complete();
  }
  const Batch batch = Batch::per_task(
      std::move(examples),
      BatchOptions().check_input(false).complete(complete));
  return weights.empty() ? batch : batch.with_weights(weights);
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

void MultiLoader::load_state(const std::vector<LoaderState>& state) {
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
    try {
      restored[i].load_state(state[i]);
    } catch (const c10::Error&) {
      detail::rethrow_with("MultiLoader: data set " + std::to_string(i) + ": ");
    }
  }
  loaders_ = std::move(restored);
}

void MultiLoader::save(torch::serialize::OutputArchive& archive) const {
  detail::write_kind(archive, kMultiLoaderKind, kMultiLoaderVersion);
  archive.write("size", c10::IValue(static_cast<int64_t>(loaders_.size())));
  for (size_t i = 0; i < loaders_.size(); ++i) {
    torch::serialize::OutputArchive child(archive.compilation_unit());
    loaders_[i].save(child);
    archive.write(std::to_string(i), child);
  }
}

void MultiLoader::load(torch::serialize::InputArchive& archive) {
  const std::string who = "MultiLoader";
  const int64_t size =
      detail::reader_of(archive, who, kMultiLoaderKind, kMultiLoaderVersion)
          .integer("size");
  std::vector<LoaderState> states;
  for (int64_t i = 0; i < size; ++i) {
    const std::string name = std::to_string(i);
    torch::serialize::InputArchive child;
    TORCH_CHECK_VALUE(
        archive.try_read(name, child),
        "MultiLoader: the archive has no state of data set ",
        name,
        ".");
    states.push_back(LoaderState::read(child, who + ": data set " + name));
  }
  load_state(states);
}

} // namespace polytask::data
