// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_mixtures.h"

#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>

#include <algorithm>
#include <typeinfo>
#include <utility>

#include "core/tensor_sets.h"

#include "../autocast.h"
#include "../layers/products.h"

namespace polytask::detail {

namespace {

const ExpertSharing* expert_sharing_of(const MultiTaskModel& model) {
  const Sharing& sharing = model->sharing();
  const bool is_known = typeid(sharing) == typeid(MMoEImpl) ||
      typeid(sharing) == typeid(CGCImpl) ||
      typeid(sharing) == typeid(PLEImpl) ||
      typeid(sharing) == typeid(AdaTTImpl);
  return is_known ? static_cast<const ExpertSharing*>(&sharing) : nullptr;
}

} // namespace

std::shared_ptr<KnownMixtures> KnownMixtures::of(
    const MultiTaskModel& model, bool has_tied_modules, std::string& reason) {
  const ExpertSharing* sharing = expert_sharing_of(model);
  if (sharing == nullptr) {
    return nullptr;
  }
  if (has_tied_modules) {
    reason = "modules share a parameter";
    return nullptr;
  }
  sharing->check_names();
  std::shared_ptr<KnownMixtures> known(new KnownMixtures);
  known->tasks_ = static_cast<size_t>(model->size());
  known->registered_ = sharing->parameters();
  known->parameters_ = trained(known->registered_);
  for (const auto& parameter : known->parameters_) {
    known->places_.emplace(parameter.unsafeGetTensorImpl(), known->elements_);
    known->elements_ += parameter.numel();
  }
  for (const auto& level : sharing->levels()) {
    auto own = KnownLevel::make(level, known->places_, reason);
    if (!own) {
      return nullptr;
    }
    known->levels_.push_back(std::move(own));
  }
  return known;
}

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
  for (const auto& level : levels_) {
    if (auto found = level->obstacle(like)) {
      return found;
    }
  }
  return {};
}

const std::vector<torch::Tensor>& KnownMixtures::forward(
    const torch::Tensor& input, const std::vector<int64_t>& tasks) {
  const bool are_others = tasks != of_tasks_;
  if (are_others) {
    of_tasks_.clear(); // until this forward is through
    want(tasks);
  }
  const torch::Tensor plain =
      input.is_contiguous() ? input : input.contiguous();
  std::vector<torch::Tensor> states(tasks_ + 1, plain);
  for (size_t i = 0; i < levels_.size(); ++i) {
    states = levels_[i]->forward(states, wanted_[i]);
  }
  features_.clear();
  for (const int64_t task : tasks) {
    features_.push_back(states[static_cast<size_t>(task)]);
  }
  if (are_others) {
    note_used();
    of_tasks_ = tasks;
  }
  return features_;
}

void KnownMixtures::want(const std::vector<int64_t>& tasks) {
  KnownLevel::Wanted wanted(tasks_ + 1, false);
  for (const int64_t task : tasks) {
    wanted[static_cast<size_t>(task)] = true;
  }
  wanted_.resize(levels_.size());
  for (size_t i = levels_.size(); i-- > 0;) {
    wanted_[i] = wanted;
    wanted = levels_[i]->sources(wanted);
  }
}

void KnownMixtures::note_used() {
  std::vector<torch::Tensor> all;
  for (const auto& level : levels_) {
    level->note_used(all);
  }
  const TensorSet found(all);
  used_.clear();
  for (const auto& parameter : parameters_) {
    used_.push_back(found.has(parameter));
  }
}

void KnownMixtures::backward(
    std::vector<StateCotangents> above, const torch::Tensor& rows) {
  for (size_t i = levels_.size(); i-- > 0;) {
    std::vector<StateCotangents> below(i > 0 ? tasks_ + 1 : 0);
    levels_[i]->backward(above, rows, i > 0 ? &below : nullptr);
    above = std::move(below);
  }
}

void KnownMixtures::write_rows(
    const std::vector<torch::Tensor>& cotangents, const torch::Tensor& rows) {
  torch::Tensor(rows).zero_();
  std::vector<StateCotangents> above(tasks_ + 1);
  for (size_t i = 0; i < of_tasks_.size(); ++i) {
    above[static_cast<size_t>(of_tasks_[i])].all.push_back(
        {static_cast<int64_t>(i), cotangents[i]});
  }
  backward(std::move(above), rows);
}

void KnownMixtures::write_sum(
    const std::vector<torch::Tensor>& cotangents, const torch::Tensor& row) {
  std::vector<StateCotangents> above(tasks_ + 1);
  for (size_t i = 0; i < of_tasks_.size(); ++i) {
    above[static_cast<size_t>(of_tasks_[i])].all.push_back({0, cotangents[i]});
  }
  backward(std::move(above), row);
}

} // namespace polytask::detail
