// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_level.h"

#include <algorithm>
#include <typeinfo>
#include <utility>

#include "../program/parameter_obstacle.h"

namespace polytask::detail {

std::unique_ptr<KnownLevel> KnownLevel::make(
    std::shared_ptr<ExpertLevel> level,
    bool is_lowest,
    const ParameterPlaces& places,
    std::string& reason) {
  const ExpertForm& form = level->form();
  if (form.shared_read_tasks || form.stops_others || form.adds_shared_state) {
    reason = "the engine does not know the mixtures of this sharing";
    return nullptr;
  }
  if (!level->options().gate_input().empty()) {
    reason = "the gates read one of several tensors";
    return nullptr;
  }
  std::unique_ptr<KnownLevel> known(new KnownLevel(std::move(level)));
  const auto& takers = known->level_->takers();
  for (size_t t = 0; t < takers.size(); ++t) {
    for (const Network& expert : takers[t].experts) {
      auto chain =
          PlacedChain::make("an expert", expert.module(), places, reason);
      if (!chain) {
        return nullptr;
      }
      const bool is_rectified = chain->layers().is_rectified();
      known->experts_.push_back({t, *std::move(chain), is_rectified});
    }
  }
  for (size_t t = 0; t < takers.size(); ++t) {
    if (takers[t].gate && !known->add_gate(t, is_lowest, places, reason)) {
      return nullptr;
    }
  }
  known->outputs_.resize(takers.size());
  return known;
}

bool KnownLevel::add_gate(
    size_t taker,
    bool is_lowest,
    const ParameterPlaces& places,
    std::string& reason) {
  const auto& takers = level_->takers();
  const detail::Gate& kind = *takers[taker].gate;
  Gate own{taker};
  if (typeid(kind) == typeid(SoftmaxGate) && !level_->form().balances) {
    own.logits = PlacedChain::make(
        "a gate",
        static_cast<const SoftmaxGate&>(kind).logits().module(),
        places,
        reason);
    if (!own.logits) {
      return false;
    }
  } else if (is_lowest) {
    own.graph.emplace(takers[taker].gate, places);
  } else {
    reason = "a gate above others is of another kind than a softmax";
    return false;
  }
  std::vector<size_t> first; // expert of each taker
  size_t count = 0;
  for (const auto& each : takers) {
    first.push_back(count);
    count += each.experts.size();
  }
  for (const auto& place : level_->mixed_by(taker)) {
    if (level_->form().adds_own && place.taker == taker) {
      own.own.push_back(own.experts.size());
    }
    const size_t expert = first[place.taker] + place.expert;
    experts_[expert].mixers.push_back({gates_.size(), own.experts.size()});
    own.experts.push_back(expert);
  }
  own.own_weights = takers[taker].own_weights;
  own.own_place = own.own_weights.defined() ? places.of(own.own_weights) : -1;
  gates_.push_back(std::move(own));
  return true;
}

bool KnownLevel::has_graphs() const {
  return std::ranges::any_of(
      gates_, [](const Gate& gate) { return gate.graph.has_value(); });
}

Obstacle KnownLevel::obstacle(const torch::Tensor& like) const {
  for (const Expert& expert : experts_) {
    if (auto found = expert.chain.layers().obstacle(like)) {
      return found;
    }
  }
  for (const Gate& gate : gates_) {
    if (auto found = gate.graph ? gate.graph->obstacle(like)
                                : gate.logits->layers().obstacle(like)) {
      return found;
    }
    const torch::Tensor& own = gate.own_weights;
    if (own.defined()) {
      if (auto found =
              parameter_obstacle(own, own.sizes(), like.scalar_type())) {
        return found;
      }
    }
  }
  return {};
}

double KnownLevel::own_weight(const Gate& gate, size_t column) const {
  const auto found = std::ranges::find(gate.own, column);
  if (found == gate.own.end()) {
    return 0;
  }
  if (!gate.own_weights.defined()) {
    return 1;
  }
  const auto place = found - gate.own.begin();
  return gate.own_weights.scalar_type() == torch::kFloat
      ? static_cast<double>(gate.own_weights.const_data_ptr<float>()[place])
      : gate.own_weights.const_data_ptr<double>()[place];
}

void KnownLevel::note_used(std::vector<torch::Tensor>& used) const {
  for (const Expert& expert : experts_) {
    if (expert.is_used) {
      const auto& own = expert.chain.layers().parameters();
      used.insert(used.end(), own.begin(), own.end());
    }
  }
  for (const Gate& gate : gates_) {
    if (!gate.is_used) {
      continue;
    }
    const auto& own = gate.graph ? gate.graph->parameters()
                                 : gate.logits->layers().parameters();
    used.insert(used.end(), own.begin(), own.end());
    if (gate.own_weights.defined()) {
      used.push_back(gate.own_weights);
    }
  }
}

} // namespace polytask::detail
