// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/experts/expert_level.h"

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <utility>

#include "core/check.h"

namespace polytask::detail {

std::string ExpertLevel::label(size_t taker) const {
  return taker < names_.size() ? "task '" + names_[taker] + "'"
                               : std::string("the shared state");
}

torch::Tensor ExpertLevel::gate_rows(
    const Inputs& state, const std::string& whose) const {
  TORCH_CHECK_VALUE(
      state.is_tensor() || !options_.gate_input().empty(),
      form_.name,
      ": the gates read one tensor, but the input is ",
      quoted(state.names()),
      "; say which by gate_input.");
  const torch::Tensor rows =
      (state.is_tensor() ? state.tensor() : state[options_.gate_input()])
          .flatten(1);
  TORCH_CHECK_VALUE(
      rows.size(1) == options_.in_features(),
      form_.name,
      ": the gate of ",
      whose,
      " expects in_features ",
      options_.in_features(),
      ", but a row of its input has ",
      rows.size(1),
      " elements.");
  return rows;
}

torch::Tensor ExpertLevel::expert_output(
    Place place, const Inputs& state) const {
  try {
    return takers_[place.taker].experts[place.expert].forward(state);
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        form_.name,
        ": expert ",
        place.expert,
        " of ",
        label(place.taker),
        " cannot take an input of shape ",
        state,
        ": "));
  }
}

// Σ shares [B, n] · outputs, n of [B, ...].
torch::Tensor ExpertLevel::mixed(
    const torch::Tensor& shares,
    const std::vector<torch::Tensor>& outputs) const {
  check_expert_output(form_.name, outputs[0]);
  for (size_t i = 1; i < outputs.size(); ++i) {
    TORCH_CHECK_VALUE(
        outputs[i].sizes() == outputs[0].sizes(),
        form_.name,
        ": experts of one level give features of one shape, but one gives ",
        outputs[0].sizes(),
        " and another ",
        outputs[i].sizes(),
        ".");
  }
  const torch::Tensor all = torch::stack(outputs, 1).flatten(2);
  return torch::bmm(shares.unsqueeze(1), all)
      .squeeze(1)
      .view(outputs[0].sizes());
}

std::vector<Inputs> ExpertLevel::forward(
    const std::vector<Inputs>& states, const Wanted& wanted) {
  const size_t shared = takers_.size() - 1;
  // Each expert once, when it is first mixed.
  std::vector<std::vector<torch::Tensor>> outputs(takers_.size());
  for (size_t t = 0; t < takers_.size(); ++t) {
    outputs[t].resize(takers_[t].experts.size());
  }
  // In eval mode nothing is written, so that threads may read one model.
  const bool is_noted = is_training();
  if (is_noted) {
    forget_shares();
  }
  const auto output_of = [&](Place place) -> const torch::Tensor& {
    auto& known = outputs[place.taker][place.expert];
    if (!known.defined()) {
      known = expert_output(place, states[place.taker]);
    }
    return known;
  };
  std::vector<Inputs> above(takers_.size(), Inputs(torch::Tensor()));
  for (size_t t = 0; t < takers_.size(); ++t) {
    if (!wanted[t]) {
      continue;
    }
    const Taker& taker = takers_[t];
    if (form_.shared_read_tasks) {
      outputs[shared].assign(takers_[shared].experts.size(), {});
    }
    std::vector<torch::Tensor> mixes;
    for (const Place& place : mixed_by(t)) {
      if (form_.shared_read_tasks && place.taker == shared) {
        mixes.push_back(expert_output(place, states[t]));
        continue;
      }
      const torch::Tensor& output = output_of(place);
      mixes.push_back(stops(t, place) ? output.detach() : output);
    }
    torch::Tensor rows = gate_rows(states[t], label(t));
    if (form_.adds_shared_state && t != shared) {
      rows = rows + gate_rows(states[shared], label(shared));
    }
    const torch::Tensor shares = taker.gate->shares(rows);
    if (is_noted) {
      note_shares(t, shares);
    }
    torch::Tensor state = mixed(shares, mixes);
    if (form_.adds_own && !taker.experts.empty()) {
      for (size_t e = 0; e < taker.experts.size(); ++e) {
        const torch::Tensor& own = output_of({t, e});
        state = state +
            (taker.own_weights.defined()
                 ? own * taker.own_weights[static_cast<int64_t>(e)]
                 : own);
      }
    }
    above[t] = state;
  }
  return above;
}

} // namespace polytask::detail
