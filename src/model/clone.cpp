// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/model/multi_task_model.h>

#include <unordered_map>

#include "model/parameters.h"
#include "sharing/cloning.h"

namespace polytask {

std::shared_ptr<torch::nn::Module> MultiTaskModelImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto sharing = std::dynamic_pointer_cast<Sharing>(sharing_->clone(device));
  TORCH_CHECK(
      sharing != nullptr,
      "MultiTaskModel: the clone of '",
      sharing_->name(),
      "' is no Sharing.");
  sharing->serve_as(*sharing_);
  auto copy = std::make_shared<MultiTaskModelImpl>(std::move(sharing));
  std::unordered_map<const torch::nn::Module*, Network> heads;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const Network& head = tasks_[i].head();
    auto found = heads.find(head.module().get());
    if (found == heads.end()) {
      found = heads.emplace(head.module().get(), head.clone(device)).first;
    }
    copy->add_task(names_[i], tasks_[i].with_head(found->second));
  }
  detail::complete_clone(*this, *copy);
  TORCH_CHECK(
      copy->unique_parameters().size() == unique_parameters().size(),
      "MultiTaskModel: clone() cannot keep a tensor that several modules "
      "share. "
      "Share the module instead (one module as the head of several tasks).");
  return copy;
}

MultiTaskModel clone(
    const MultiTaskModel& model, const std::optional<torch::Device>& device) {
  return MultiTaskModel(
      std::static_pointer_cast<MultiTaskModelImpl>(model->clone(device)));
}

} // namespace polytask
