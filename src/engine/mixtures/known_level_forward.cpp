// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_level.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "core/check.h"

#include "../layers/chains_at_once.h"
#include "../layers/products.h"

namespace polytask::detail {

torch::Tensor KnownLevel::output_of(
    const Expert& expert, const std::vector<torch::Tensor>& states) const {
  try {
    return expert.chain.layers().forward(states[expert.taker]);
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        level_->form().name,
        ": an expert cannot take an input of shape ",
        states[expert.taker].sizes(),
        ": "));
  }
}

// The experts that gates mix, in the order of autograd's forward, in which
// layers that draw do so; and what gates take the softmax of.
void KnownLevel::use(const std::vector<torch::Tensor>& states) {
  forwards_.clear();
  ChainsAtOnce chains;
  for (Gate& gate : gates_) {
    if (!gate.is_used) {
      continue;
    }
    for (const size_t place : gate.experts) {
      Expert& expert = experts_[place];
      if (!std::exchange(expert.is_used, true)) {
        forwards_.push_back({&expert, nullptr});
        chains.add(expert.chain.layers(), states[expert.taker]);
      }
    }
    if (gate.logits) {
      forwards_.push_back({nullptr, &gate});
      chains.add(gate.logits->layers(), states[gate.taker]);
    }
  }
  chains.run([&](size_t i) {
    const auto& [expert, gate] = forwards_[i];
    if (expert != nullptr) {
      expert->output = output_of(*expert, states);
    } else {
      gate->shares = gate->logits->layers().forward(rows_of(*gate, states));
    }
  });
  for (const Gate& gate : gates_) {
    if (gate.is_used) {
      check_experts(gate);
    }
  }
}

void KnownLevel::check_experts(const Gate& gate) const {
  const torch::Tensor& first = experts_[gate.experts[0]].output;
  for (const size_t place : gate.experts) {
    const torch::Tensor& output = experts_[place].output;
    check_expert_output(level_->form().name, output);
    TORCH_CHECK_VALUE(
        output.sizes() == first.sizes(),
        level_->form().name,
        ": experts of one level give features of one shape, but one gives ",
        first.sizes(),
        " and another ",
        output.sizes(),
        ".");
  }
}

torch::Tensor KnownLevel::rows_of(
    const Gate& gate, const std::vector<torch::Tensor>& states) const {
  torch::Tensor rows = as_rows(states[gate.taker]);
  TORCH_CHECK_VALUE(
      rows.size(1) == level_->options().in_features(),
      level_->form().name,
      ": the gates expect in_features ",
      level_->options().in_features(),
      ", but a row of their input has ",
      rows.size(1),
      " elements.");
  return rows;
}

const std::vector<torch::Tensor>& KnownLevel::forward(
    const std::vector<torch::Tensor>& states,
    const Wanted& wanted,
    bool is_differentiated) {
  for (Expert& expert : experts_) {
    expert.is_used = false;
  }
  if (level_->is_training()) {
    level_->forget_shares();
  }
  for (Gate& gate : gates_) {
    gate.is_used = wanted[gate.taker];
    outputs_[gate.taker].reset();
    if (gate.is_used && gate.graph) {
      const torch::Tensor& shares =
          gate.graph->forward(rows_of(gate, states), is_differentiated);
      gate.shares = shares.detach().contiguous();
      if (level_->is_training()) {
        level_->note_shares(gate.taker, shares);
      }
    }
  }
  const torch::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  use(states);
  for (const Gate& gate : gates_) {
    if (gate.is_used) {
      as_real(gate.shares.scalar_type(), [&](auto zero) {
        mix_forward<decltype(zero)>();
      });
      break;
    }
  }
  return outputs_;
}

template <typename Scalar>
void KnownLevel::mix_forward() {
  auto& jobs = memory_.jobs<Scalar>();
  int64_t rows = 0;
  for (Gate& gate : gates_) {
    if (!gate.is_used) {
      continue;
    }
    rows = gate.shares.size(0);
    if (gate.logits) {
      auto* shares = gate.shares.data_ptr<Scalar>();
      softmax_shift(shares, rows, gate.columns());
      gate.shares.exp_(); // LibTorch's, many at a time
      softmax_scale(shares, rows, gate.columns());
      if (level_->is_training()) {
        // Later steps in eval mode write over the shares themselves.
        reserve(gate.noted, gate.shares.sizes(), gate.shares.options());
        gate.noted.copy_(gate.shares);
        level_->note_shares(gate.taker, gate.noted);
      }
    }
    const torch::Tensor& like = experts_[gate.experts[0]].output;
    reserve(gate.output, like.sizes(), like.options());
    outputs_[gate.taker] = gate.output;
    jobs.mix(
        like.numel() / std::max<int64_t>(1, rows),
        nullptr,
        gate.output.data_ptr<Scalar>());
    for (size_t j = 0; j < gate.experts.size(); ++j) {
      jobs.term(
          {experts_[gate.experts[j]].output.const_data_ptr<Scalar>(),
           gate.shares.const_data_ptr<Scalar>() + j,
           gate.columns(),
           static_cast<Scalar>(own_weight(gate, j))});
    }
  }
  jobs.run(rows);
}

} // namespace polytask::detail
