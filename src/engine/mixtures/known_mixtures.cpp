// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_mixtures.h"

#include <numeric>
#include <utility>

#include "core/tensor_sets.h"

#include "../autocast.h"
#include "known_experts.h"
#include "known_stitches.h"

namespace polytask::detail {

std::shared_ptr<KnownMixtures> KnownMixtures::of(
    const MultiTaskModel& model, bool has_tied_modules, std::string& reason) {
  if (!KnownExperts::is_kind(model->sharing()) &&
      !KnownStitches::is_kind(model->sharing())) {
    return nullptr;
  }
  if (has_tied_modules) {
    reason = "modules share a parameter";
    return nullptr;
  }
  if (KnownExperts::is_kind(model->sharing())) {
    return KnownExperts::make(model->sharing(), reason);
  }
  return KnownStitches::make(model->sharing(), reason);
}

KnownMixtures::KnownMixtures(const Sharing& sharing)
    : registered_(sharing.parameters()),
      parameters_(trained(registered_)),
      places_(parameters_) {}

Obstacle KnownMixtures::obstacle(
    const torch::Tensor& input, const torch::Tensor& like) const {
  if (!input.defined()) {
    return {"the input is several tensors"};
  }
  if (!input.device().is_cpu()) {
    return {"the batch is not on the CPU"};
  }
  if (is_autocast_on(at::kCPU)) {
    return {"autocast is on"};
  }
  if (input.layout() != at::kStrided || input.is_neg()) {
    return {"the input is not plain memory"};
  }
  if (input.requires_grad()) {
    return {"the input requires a gradient"};
  }
  if (input.dim() < 2 || input.size(0) == 0) {
    return {"the input is not a batch of rows"};
  }
  if (input.scalar_type() != like.scalar_type() ||
      (like.scalar_type() != at::kFloat && like.scalar_type() != at::kDouble)) {
    return {"the input is not float or double"};
  }
  return obstacle_within(like);
}

const std::vector<torch::Tensor>& KnownMixtures::forward(
    const torch::Tensor& input,
    const std::vector<int64_t>& tasks,
    bool is_differentiated) {
  const bool are_others = tasks != tasks_;
  if (are_others) {
    tasks_.clear(); // until this forward is through
    want(tasks);
  }
  features_.clear();
  run(input, tasks, is_differentiated, features_);
  if (are_others) {
    std::vector<torch::Tensor> all;
    note_used(all);
    const TensorSet found(all);
    used_.clear();
    for (const auto& parameter : parameters_) {
      used_.push_back(found.has(parameter));
    }
    tasks_ = tasks;
  }
  return features_;
}

void KnownMixtures::write_rows(
    const std::vector<torch::Tensor>& cotangents, const torch::Tensor& rows) {
  torch::Tensor(rows).zero_();
  losses_.resize(tasks_.size());
  std::iota(losses_.begin(), losses_.end(), 0);
  backward(cotangents, losses_, rows);
}

void KnownMixtures::write_sum(
    const std::vector<torch::Tensor>& cotangents, const torch::Tensor& row) {
  losses_.assign(tasks_.size(), 0);
  backward(cotangents, losses_, row);
}

} // namespace polytask::detail
