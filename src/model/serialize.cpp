// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <sstream>

#include <polytask/model/multi_task_model.h>
#include "core/check.h"

#include "heads.h"

namespace polytask {

namespace {

using torch::serialize::InputArchive;

constexpr auto kTaskNames = "polytask_tasks";

// An archive's key as the model calls it.
std::string name_of(
    const std::string& prefix,
    const std::string& key,
    const MultiTaskModelImpl& model) {
  return prefix +
      (prefix == "tasks." ? model.task_names().at(std::stoul(key)) : key);
}

// The model's own state as an archive, to compare another one with.
InputArchive archive_of(const MultiTaskModelImpl& model) {
  torch::serialize::OutputArchive written;
  model.save(written);
  std::stringstream bytes;
  written.save_to(bytes);
  InputArchive archive;
  archive.load_from(bytes);
  return archive;
}

void check_tensor(
    const torch::Tensor& own,
    const torch::IValue& stored,
    const std::string& name) {
  TORCH_CHECK_VALUE(
      stored.isTensor(),
      "MultiTaskModel: the archive has no tensor '",
      name,
      "'.");
  const torch::Tensor& tensor = stored.toTensor();
  TORCH_CHECK_VALUE(
      tensor.sizes() == own.sizes() &&
          tensor.scalar_type() == own.scalar_type(),
      "MultiTaskModel: expected '",
      name,
      "' to be ",
      own.scalar_type(),
      own.sizes(),
      ", but the archive has ",
      tensor.scalar_type(),
      tensor.sizes(),
      ".");
}

// LibTorch's load puts whatever it finds into the model and passes over what
// it does not look for, so compare first.
void check_archive(
    InputArchive& own,
    InputArchive& stored,
    const MultiTaskModelImpl& model,
    const std::string& prefix) {
  const auto keys = own.keys();
  for (const auto& key : keys) {
    const std::string name = name_of(prefix, key, model);
    torch::IValue own_value, value;
    TORCH_CHECK_VALUE(
        stored.try_read(key, value),
        "MultiTaskModel: the archive has no '",
        name,
        "'.");
    own.read(key, own_value);
    InputArchive child, own_child;
    if (own_value.isTensor()) {
      check_tensor(own_value.toTensor(), value, name);
    } else if (own.try_read(key, own_child)) {
      TORCH_CHECK_VALUE(
          stored.try_read(key, child),
          "MultiTaskModel: the archive has no module '",
          name,
          "'.");
      check_archive(own_child, child, model, name + ".");
    }
  }
  for (const auto& key : stored.keys()) {
    TORCH_CHECK_VALUE(
        std::find(keys.begin(), keys.end(), key) != keys.end(),
        "MultiTaskModel: the archive has '",
        prefix + key,
        "', which this model lacks.");
  }
}

} // namespace

void detail::Heads::save(torch::serialize::OutputArchive& archive) const {
  int64_t place = 0;
  for (const auto& head : children()) {
    torch::serialize::OutputArchive child(archive.compilation_unit());
    head->save(child);
    archive.write(std::to_string(place++), child);
  }
}

void detail::Heads::load(InputArchive& archive) {
  int64_t place = 0;
  for (const auto& head : children()) {
    InputArchive child;
    archive.read(std::to_string(place++), child);
    head->load(child);
  }
}

void MultiTaskModelImpl::save(torch::serialize::OutputArchive& archive) const {
  torch::List<std::string> names;
  for (const auto& name : names_) {
    names.push_back(name);
  }
  archive.write(kTaskNames, torch::IValue(names));
  torch::nn::Module::save(archive);
}

void MultiTaskModelImpl::load(torch::serialize::InputArchive& archive) {
  torch::IValue stored;
  TORCH_CHECK_VALUE(
      archive.try_read(kTaskNames, stored) && stored.isList(),
      "MultiTaskModel: the archive holds no multi-task model.");
  std::vector<std::string> names;
  for (const auto& name : stored.toListRef()) {
    names.push_back(name.toStringRef());
  }
  TORCH_CHECK_VALUE(
      names == names_,
      "MultiTaskModel: expected an archive with the tasks ",
      detail::quoted(names_),
      ", but it has ",
      detail::quoted(names),
      ".");
  InputArchive own = archive_of(*this);
  check_archive(own, archive, *this, "");
  torch::nn::Module::load(archive);
}

} // namespace polytask
