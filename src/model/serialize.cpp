// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <cmath>
#include <unordered_map>

#include <polytask/core/version.h>
#include <polytask/model/multi_task_model.h>
#include "core/archive_key.h"
#include "core/check.h"
#include "model/archive_layout.h"
#include "model/weights_archive.h"

#include "heads.h"

namespace polytask {

namespace {

using torch::serialize::InputArchive;

constexpr auto kTaskNames = "polytask_tasks";
constexpr auto kFormat = "polytask_format";
constexpr auto kVersion = "polytask_version";
constexpr auto kWeights = "polytask_weights";
// Of all named parameters, in their order.
constexpr auto kTrained = "polytask_trained";
// 1 had names, parameters and buffers alone.
constexpr int64_t kNewestFormat = 2;

std::string own_version() {
  return fmt::format(
      "{}.{}.{}",
      POLYTASK_VERSION_MAJOR,
      POLYTASK_VERSION_MINOR,
      POLYTASK_VERSION_PATCH);
}

// What an archive says of the tasks beside their parameters.
struct TaskState {
  std::vector<double> weights;
  std::vector<bool> trained;
};

std::vector<std::string> read_names(InputArchive& archive) {
  torch::IValue stored;
  TORCH_CHECK_VALUE(
      archive.try_read(kTaskNames, stored) && stored.isList(),
      "MultiTaskModel: the archive holds no multi-task model.");
  std::vector<std::string> names;
  for (const torch::IValue& name : stored.toListRef()) {
    names.push_back(name.toStringRef());
  }
  return names;
}

int64_t read_format(InputArchive& archive) {
  torch::IValue stored, version;
  if (!archive.try_read(kFormat, stored)) {
    return 1;
  }
  TORCH_CHECK_VALUE(
      stored.isInt() && stored.toInt() <= kNewestFormat,
      "MultiTaskModel: the archive was written by polytask ",
      archive.try_read(kVersion, version) && version.isString()
          ? version.toStringRef()
          : "of a newer kind",
      ", which is newer; this is polytask ",
      own_version(),
      ", which reads formats up to ",
      kNewestFormat,
      ".");
  return stored.toInt();
}

TaskState read_task_state(InputArchive& archive, size_t tasks) {
  torch::IValue weights, trained;
  TORCH_CHECK_VALUE(
      archive.try_read(kWeights, weights) && weights.isDoubleList() &&
          archive.try_read(kTrained, trained) && trained.isBoolList(),
      "MultiTaskModel: the archive lacks the weights of the tasks or what is "
      "frozen.");
  TaskState state;
  state.weights = weights.toDoubleVector();
  for (const bool flag : trained.toBoolList()) {
    state.trained.push_back(flag);
  }
  TORCH_CHECK_VALUE(
      state.weights.size() == tasks,
      "MultiTaskModel: expected the weights of ",
      tasks,
      " tasks in the archive, but found ",
      state.weights.size(),
      ".");
  return state;
}

// LibTorch writes them but cannot read them back.
void refuse_unreadable(
    const std::vector<std::string>& keys, const std::string& where) {
  for (const auto& key : keys) {
    const auto word = key.substr(key.rfind('.') + 1);
    TORCH_CHECK_VALUE(
        !detail::is_torchscript_word(word),
        "MultiTaskModel: '",
        where,
        key,
        "' cannot be saved: '",
        word,
        "' is a word of TorchScript, so LibTorch could not read it back. Give "
        "it another name.");
  }
}

void refuse_unreadable(
    const torch::nn::Module& module, const std::string& where) {
  refuse_unreadable(
      module.named_modules("", /*include_self=*/false).keys(), where);
  refuse_unreadable(module.named_parameters().keys(), where);
  refuse_unreadable(module.named_buffers().keys(), where);
}

detail::KeyName told_to_people(const std::vector<std::string>& names) {
  std::unordered_map<std::string, std::string> by_key;
  for (const auto& name : names) {
    by_key.emplace(detail::archive_key(name), name);
  }
  return [by_key](const std::string& prefix, const std::string& key) {
    const auto found = prefix == "tasks." ? by_key.find(key) : by_key.end();
    return prefix + (found == by_key.end() ? key : found->second);
  };
}

auto fitted_to(
    InputArchive& own,
    InputArchive& archive,
    const std::vector<std::string>& names) {
  return detail::fit_archive(
      own,
      archive,
      {kTaskNames, kFormat, kVersion, kWeights, kTrained},
      told_to_people(names));
}

} // namespace

void detail::write_task_state(
    const MultiTaskModelImpl& model, torch::serialize::OutputArchive& archive) {
  torch::List<std::string> names;
  torch::List<double> weights;
  torch::List<bool> trained;
  for (const auto& name : model.task_names()) {
    names.push_back(name);
    weights.push_back(model.task(name).weight());
  }
  for (const auto& parameter : model.parameters()) {
    trained.push_back(parameter.requires_grad());
  }
  archive.write(kTaskNames, torch::IValue(names));
  archive.write(kFormat, torch::IValue(kNewestFormat));
  archive.write(kVersion, torch::IValue(own_version()));
  archive.write(kWeights, torch::IValue(weights));
  archive.write(kTrained, torch::IValue(trained));
}

void MultiTaskModelImpl::save(torch::serialize::OutputArchive& archive) const {
  refuse_unreadable(*sharing_, "sharing.");
  for (size_t i = 0; i < names_.size(); ++i) {
    refuse_unreadable(*tasks_[i].head().module(), "tasks." + names_[i] + ".");
  }
  detail::write_task_state(*this, archive);
  torch::nn::Module::save(archive);
}

// All that can be wrong is looked at before anything is changed; only a module
// with a `load` of its own may still throw.
void MultiTaskModelImpl::load_state(InputArchive& archive) {
  InputArchive own = detail::written_by(
      [this](torch::serialize::OutputArchive& to) { save(to); });
  auto fitted = fitted_to(own, archive, names_);
  try {
    torch::nn::Module::load(fitted ? *fitted : archive);
  } catch (...) {
    torch::nn::Module::load(own);
    throw;
  }
}

void MultiTaskModelImpl::load(InputArchive& archive) {
  const int64_t format = read_format(archive);
  const auto names = read_names(archive);
  TORCH_CHECK_VALUE(
      names == names_,
      "MultiTaskModel: expected an archive with the tasks ",
      detail::quoted(names_),
      ", but it has ",
      detail::quoted(names),
      ".");
  if (format == 1) {
    load_state(archive);
    TORCH_WARN(
        "MultiTaskModel: the archive is of a polytask that wrote neither the "
        "weights of tasks nor what is frozen; those of this model stay.");
    return;
  }
  auto all = parameters();
  const TaskState state = read_task_state(archive, names_.size());
  if (state.trained.size() != all.size()) {
    // Says by name which parameters differ.
    InputArchive own = detail::written_by(
        [this](torch::serialize::OutputArchive& to) { save(to); });
    fitted_to(own, archive, names_);
    TORCH_CHECK_VALUE(
        false,
        "MultiTaskModel: expected the archive to say of ",
        all.size(),
        " parameters whether they are trained, but it says so of ",
        state.trained.size(),
        ".");
  }
  for (size_t i = 0; i < names_.size(); ++i) {
    Task(tasks_[i]).weight(state.weights[i]); // throws on a bad one
  }
  load_state(archive);
  for (size_t i = 0; i < names_.size(); ++i) {
    tasks_[i].weight(state.weights[i]);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].requires_grad_(state.trained[i]);
  }
}

} // namespace polytask
