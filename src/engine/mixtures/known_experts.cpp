// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_experts.h"

#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>

#include <algorithm>
#include <typeinfo>
#include <utility>

namespace polytask::detail {

bool KnownExperts::is_kind(const Sharing& sharing) {
  return typeid(sharing) == typeid(MMoEImpl) ||
      typeid(sharing) == typeid(CGCImpl) ||
      typeid(sharing) == typeid(PLEImpl) ||
      typeid(sharing) == typeid(AdaTTImpl) ||
      typeid(sharing) == typeid(DSelectKImpl);
}

std::shared_ptr<KnownExperts> KnownExperts::make(
    const Sharing& sharing, std::string& reason) {
  const auto& experts = static_cast<const ExpertSharing&>(sharing);
  experts.check_names();
  std::shared_ptr<KnownExperts> known(new KnownExperts(sharing));
  for (const auto& level : experts.levels()) {
    auto own = KnownLevel::make(
        level, known->levels_.empty(), known->places(), reason);
    if (!own) {
      return nullptr;
    }
    known->levels_.push_back(std::move(own));
    known->takers_ = level->takers().size();
  }
  known->wanted_.resize(known->levels_.size());
  return known;
}

bool KnownExperts::has_own_loss() const {
  return std::ranges::any_of(
      levels_, [](const auto& level) { return level->has_graphs(); });
}

Obstacle KnownExperts::obstacle_within(const torch::Tensor& like) const {
  for (const auto& level : levels_) {
    if (auto found = level->obstacle(like)) {
      return found;
    }
  }
  return {};
}

void KnownExperts::want(const std::vector<int64_t>& tasks) {
  KnownLevel::Wanted wanted(takers_, false);
  for (const int64_t task : tasks) {
    wanted[static_cast<size_t>(task)] = true;
  }
  for (size_t i = levels_.size(); i-- > 0;) {
    wanted_[i] = wanted;
    wanted = levels_[i]->sources(wanted);
  }
}

void KnownExperts::run(
    const torch::Tensor& input,
    const std::vector<int64_t>& tasks,
    bool is_differentiated,
    std::vector<torch::Tensor>& features) {
  states_.assign(takers_, input);
  for (size_t i = 0; i < levels_.size(); ++i) {
    states_ = levels_[i]->forward(states_, wanted_[i], is_differentiated);
  }
  for (const int64_t task : tasks) {
    features.push_back(states_[static_cast<size_t>(task)]);
  }
}

void KnownExperts::note_used(std::vector<torch::Tensor>& used) const {
  for (const auto& level : levels_) {
    level->note_used(used);
  }
}

void KnownExperts::backward(
    const std::vector<torch::Tensor>& cotangents,
    const std::vector<int64_t>& losses,
    const torch::Tensor& rows) {
  std::vector<Reached> above(takers_);
  for (size_t i = 0; i < tasks().size(); ++i) {
    above[static_cast<size_t>(tasks()[i])] = {cotangents[i], losses[i], 1};
  }
  for (size_t i = levels_.size(); i-- > 0;) {
    std::vector<Reached> below(i > 0 ? takers_ : 0);
    levels_[i]->backward(above, rows, i > 0 ? &below : nullptr);
    above = std::move(below);
  }
}

} // namespace polytask::detail
