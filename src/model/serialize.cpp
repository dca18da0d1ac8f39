// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <polytask/core/check.h>
#include <polytask/model/multi_task_model.h>

namespace polytask {

namespace {

constexpr auto kTaskNames = "polytask_tasks";

void check_archived_tensor(
    torch::serialize::InputArchive& archive,
    const std::string& key,
    const std::string& name,
    const torch::Tensor& own) {
  torch::Tensor stored;
  TORCH_CHECK_VALUE(
      archive.try_read(key, stored) || archive.try_read(key, stored, true),
      "MultiTaskModel: the archive has no tensor '",
      name,
      "'.");
  TORCH_CHECK_VALUE(
      stored.sizes() == own.sizes() && stored.scalar_type() == own.scalar_type(),
      "MultiTaskModel: expected '",
      name,
      "' to be ",
      own.scalar_type(),
      own.sizes(),
      ", but the archive has ",
      stored.scalar_type(),
      stored.sizes(),
      ".");
}

// LibTorch's load puts whatever it finds into the model, so look first.
void check_archive(
    torch::serialize::InputArchive& archive,
    const torch::nn::Module& module,
    const std::string& prefix) {
  for (const auto& entry : module.named_parameters(/*recurse=*/false)) {
    check_archived_tensor(
        archive, entry.key(), prefix + entry.key(), entry.value());
  }
  for (const auto& entry : module.named_buffers(/*recurse=*/false)) {
    check_archived_tensor(
        archive, entry.key(), prefix + entry.key(), entry.value());
  }
  for (const auto& entry : module.named_children()) {
    if (!entry.value()->is_serializable()) {
      continue;
    }
    torch::serialize::InputArchive child;
    TORCH_CHECK_VALUE(
        archive.try_read(entry.key(), child),
        "MultiTaskModel: the archive has no module '",
        prefix + entry.key(),
        "'.");
    check_archive(child, *entry.value(), prefix + entry.key() + ".");
  }
}

} // namespace

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
      archive.try_read(kTaskNames, stored),
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
  check_archive(archive, *this, "");
  torch::nn::Module::load(archive);
}

} // namespace polytask
