// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/model/multi_task_model.h>

#include "core/copy_once.h"
#include "core/tensor_sets.h"
#include "sharing/cloning.h"

namespace polytask {

std::shared_ptr<torch::nn::Module> MultiTaskModelImpl::clone(
    const std::optional<torch::Device>& device) const {
  const detail::CopyOnce tied;
  auto sharing = std::dynamic_pointer_cast<Sharing>(sharing_->clone(device));
  TORCH_CHECK(
      sharing != nullptr,
      "MultiTaskModel: the clone of '",
      sharing_->name(),
      "' is no Sharing.");
  sharing->serve_as(*sharing_);
  auto copy = std::make_shared<MultiTaskModelImpl>(std::move(sharing));
  for (size_t i = 0; i < tasks_.size(); ++i) {
    copy->add_task(
        names_[i], tasks_[i].with_head(tasks_[i].head().clone(device)));
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
