// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/experts/expert_level.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <limits>

namespace polytask::detail {

MixingWeights ExpertLevel::mixing_weights(
    const std::string& name, const std::vector<std::string>& tasks) const {
  MixingWeights weights;
  weights.name = name;
  std::vector<std::vector<int64_t>> columns(takers_.size());
  for (size_t t = 0; t < takers_.size(); ++t) {
    const std::string whose = t < tasks.size() ? tasks[t] : "shared";
    for (size_t e = 0; e < takers_[t].experts.size(); ++e) {
      columns[t].push_back(static_cast<int64_t>(weights.columns.size()));
      weights.columns.push_back(whose + " " + std::to_string(e));
    }
    if (takers_[t].gate) {
      weights.rows.push_back(whose);
    }
  }
  weights.values = torch::full(
      {static_cast<int64_t>(weights.rows.size()),
       static_cast<int64_t>(weights.columns.size())},
      std::numeric_limits<double>::quiet_NaN(),
      torch::kDouble);
  int64_t row = 0;
  for (size_t t = 0; t < takers_.size(); ++t) {
    const Taker& taker = takers_[t];
    if (!taker.gate) {
      continue;
    }
    if (taker.shares.defined()) {
      const torch::Tensor means = taker.shares.to(torch::kDouble).mean(0).cpu();
      const auto places = mixed_by(t);
      for (size_t i = 0; i < places.size(); ++i) {
        weights.values[row][columns[places[i].taker][places[i].expert]] =
            means[static_cast<int64_t>(i)];
      }
    }
    ++row;
  }
  return weights;
}

void ExpertLevel::forget_shares() {
  for (Taker& taker : takers_) {
    taker.shares.reset();
  }
  if (form_.balances) {
    with_graph_.assign(takers_.size(), {});
  }
}

void ExpertLevel::note_shares(size_t taker, const torch::Tensor& shares) {
  takers_[taker].shares = shares.requires_grad() ? shares.detach() : shares;
  if (form_.balances && shares.requires_grad()) {
    with_graph_[taker] = shares;
  }
}

torch::Tensor ExpertLevel::take_loss(c10::ArrayRef<int64_t> tasks) {
  torch::Tensor sum;
  for (size_t t = 0; t < takers_.size(); ++t) {
    if (!takers_[t].gate) {
      continue;
    }
    const torch::Tensor own = takers_[t].gate->take_loss();
    const bool counts = t + 1 == takers_.size() ||
        std::ranges::find(tasks, static_cast<int64_t>(t)) != tasks.end();
    if (own.defined() && counts) {
      sum = sum.defined() ? sum + own : own;
    }
  }
  return sum;
}

torch::Tensor ExpertLevel::take_imbalance(c10::ArrayRef<int64_t> tasks) {
  torch::Tensor load;
  for (const int64_t task :
       with_graph_.empty() ? c10::ArrayRef<int64_t>() : tasks) {
    const torch::Tensor& shares = with_graph_[static_cast<size_t>(task)];
    if (shares.defined()) {
      const torch::Tensor own = shares.sum(0);
      load = load.defined() ? load + own : own;
    }
  }
  with_graph_.assign(takers_.size(), {});
  if (!load.defined()) {
    return {};
  }
  return load.var(/*unbiased=*/false) / load.mean().square();
}

} // namespace polytask::detail
