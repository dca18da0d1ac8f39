// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_level.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "core/check.h"

#include "../kernels/gemm.h"
#include "../layers/products.h"
#include "mixing_jobs.h"

namespace polytask::detail {

// The gate's shares, and the experts it mixes, in the order of autograd's
// forward, in which layers that draw do so.
void KnownLevel::use(Gate& gate, const std::vector<torch::Tensor>& states) {
  gate.is_used = true;
  for (const size_t place : gate.experts) {
    Expert& expert = experts_[place];
    if (!expert.is_used) {
      expert.is_used = true;
      try {
        expert.output = expert.chain->forward(states[expert.taker]);
      } catch (const c10::Error&) {
        rethrow_with(c10::str(
            level_->form().name,
            ": an expert cannot take an input of shape ",
            states[expert.taker].sizes(),
            ": "));
      }
      check_expert_output(level_->form().name, expert.output);
    }
    TORCH_CHECK_VALUE(
        expert.output.sizes() == experts_[gate.experts[0]].output.sizes(),
        level_->form().name,
        ": experts of one level give features of one shape, but one gives ",
        experts_[gate.experts[0]].output.sizes(),
        " and another ",
        expert.output.sizes(),
        ".");
  }
  gate.rows = as_rows(states[gate.taker]);
  TORCH_CHECK_VALUE(
      gate.rows.size(1) == gate.layer.width,
      level_->form().name,
      ": the gates expect in_features ",
      gate.layer.width,
      ", but a row of their input has ",
      gate.rows.size(1),
      " elements.");
  if (!gate.rows.is_contiguous()) {
    gate.rows = gate.rows.contiguous();
  }
}

const std::vector<torch::Tensor>& KnownLevel::forward(
    const std::vector<torch::Tensor>& states, const Wanted& wanted) {
  const torch::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  for (Expert& expert : experts_) {
    expert.is_used = false;
  }
  for (Gate& gate : gates_) {
    gate.is_used = false;
    if (level_->is_training()) {
      level_->takers()[gate.taker].shares.reset();
    }
    outputs_[gate.taker].reset();
  }
  for (Gate& gate : gates_) {
    if (wanted[gate.taker]) {
      use(gate, states);
    }
  }
  for (const Gate& gate : gates_) {
    if (gate.is_used) {
      as_real(gate.rows.scalar_type(), [&](auto zero) {
        mix_forward<decltype(zero)>();
      });
      break;
    }
  }
  return outputs_;
}

template <typename Scalar>
void KnownLevel::mix_forward() {
  MixingJobs<Scalar> jobs;
  int64_t rows = 0;
  for (Gate& gate : gates_) {
    if (!gate.is_used) {
      continue;
    }
    const LinearLayer& layer = gate.layer;
    rows = gate.rows.size(0);
    reserve(gate.shares, {rows, layer.outputs}, gate.rows.options());
    auto* shares = gate.shares.data_ptr<Scalar>();
    gemm(
        rows,
        layer.outputs,
        layer.width,
        MatrixView<Scalar>{gate.rows.const_data_ptr<Scalar>(), layer.width},
        MatrixView<Scalar>{
            layer.weight->const_data_ptr<Scalar>(), layer.width, true},
        shares,
        layer.outputs);
    softmax_shift(
        shares,
        layer.has_bias() ? layer.bias->const_data_ptr<Scalar>() : nullptr,
        rows,
        layer.outputs);
    gate.shares.exp_(); // LibTorch's, many at a time
    softmax_scale(shares, rows, layer.outputs);
    if (level_->is_training()) {
      level_->takers()[gate.taker].shares = gate.shares;
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
           layer.outputs,
           static_cast<Scalar>(own_weight(gate, j))});
    }
  }
  jobs.run(rows);
}

} // namespace polytask::detail
