// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_level.h"

#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>

#include "../kernels/gemm.h"
#include "../kernels/rectify.h"
#include "../layers/products.h"
#include "mixing_jobs.h"

namespace polytask::detail {

// Makes the experts' cotangents and those of the shares.
template <typename Scalar>
void KnownLevel::mix_backward(const std::vector<StateCotangents>& above) {
  MixingJobs<Scalar> jobs;
  int64_t rows = 0;
  for (Gate& gate : gates_) {
    for (const auto& of : above[gate.taker].all) {
      rows = of.values.size(0);
      const auto loss = static_cast<size_t>(of.loss);
      gate.cotangents.resize(std::max(gate.cotangents.size(), loss + 1));
      reserve(
          gate.cotangents[loss], gate.shares.sizes(), gate.shares.options());
      jobs.dot(
          of.values.numel() / std::max<int64_t>(1, rows),
          of.values.template const_data_ptr<Scalar>(),
          gate.cotangents[loss].template data_ptr<Scalar>());
      for (const size_t place : gate.experts) {
        jobs.matrix(experts_[place].output.template const_data_ptr<Scalar>());
        Expert& expert = experts_[place];
        expert.cotangents.resize(std::max(expert.cotangents.size(), loss + 1));
        expert.is_reached.resize(expert.cotangents.size(), false);
        expert.is_reached[loss] = true;
      }
    }
  }
  for (Expert& expert : experts_) {
    for (size_t loss = 0; loss < expert.is_reached.size(); ++loss) {
      if (!expert.is_reached[loss]) {
        continue;
      }
      torch::Tensor& own = expert.cotangents[loss];
      reserve(own, expert.output.sizes(), expert.output.options());
      jobs.mix(
          own.numel() / std::max<int64_t>(1, rows),
          expert.is_rectified ? expert.output.template const_data_ptr<Scalar>()
                              : nullptr,
          own.template data_ptr<Scalar>());
      for (const auto& [place, column] : expert.mixers) {
        const Gate& gate = gates_[place];
        for (const auto& of : above[gate.taker].all) {
          if (of.loss == static_cast<int64_t>(loss)) {
            jobs.term(
                {of.values.template const_data_ptr<Scalar>(),
                 gate.shares.template const_data_ptr<Scalar>() + column,
                 gate.layer.outputs,
                 static_cast<Scalar>(own_weight(gate, column))});
          }
        }
      }
    }
  }
  jobs.run(rows);
}

// `slopes`: of the shares; becomes that of the logits.
template <typename Scalar>
void KnownLevel::write_gate(
    Gate& gate, torch::Tensor& slopes, torch::Tensor row) {
  const LinearLayer& layer = gate.layer;
  const int64_t rows = slopes.size(0);
  auto* values = slopes.data_ptr<Scalar>();
  auto* to = row.data_ptr<Scalar>();
  if (gate.own_place >= 0) {
    // The weights of own experts see the same products.
    reserve(column_sums_, {layer.outputs}, slopes.options());
    auto* sums = column_sums_.data_ptr<Scalar>();
    sum_rows(values, rows, layer.outputs, sums);
    for (size_t i = 0; i < gate.own.size(); ++i) {
      to[gate.own_place + static_cast<int64_t>(i)] = sums[gate.own[i]];
    }
  }
  softmax_gradient(
      gate.shares.const_data_ptr<Scalar>(), rows, layer.outputs, values);
  if (gate.weight_place >= 0) {
    gemm(
        layer.outputs,
        layer.width,
        rows,
        MatrixView<Scalar>{values, layer.outputs, true},
        MatrixView<Scalar>{gate.rows.const_data_ptr<Scalar>(), layer.width},
        to + gate.weight_place,
        layer.width);
  }
  if (gate.bias_place >= 0) {
    sum_rows(values, rows, layer.outputs, to + gate.bias_place);
  }
}

// Where the gradient of a state is added up, and whether it is the first.
torch::Tensor& KnownLevel::gradient_below(
    std::vector<StateCotangents>& below,
    size_t taker,
    int64_t loss,
    const torch::Tensor& like,
    bool& is_first) {
  auto& buffers = state_buffers_[taker];
  buffers.resize(std::max(buffers.size(), static_cast<size_t>(loss) + 1));
  torch::Tensor& own = buffers[static_cast<size_t>(loss)];
  auto& all = below[taker].all;
  is_first = std::ranges::none_of(
      all, [&](const auto& of) { return of.loss == loss; });
  if (is_first) {
    reserve(own, like.sizes(), like.options());
    all.push_back({loss, own});
  }
  return own;
}

template <typename Scalar>
void KnownLevel::send_below(
    const Gate& gate,
    const torch::Tensor& slopes,
    int64_t loss,
    std::vector<StateCotangents>& below) {
  bool is_first = false;
  torch::Tensor& own =
      gradient_below(below, gate.taker, loss, gate.rows, is_first);
  gemm(
      slopes.size(0),
      gate.layer.width,
      gate.layer.outputs,
      MatrixView<Scalar>{slopes.const_data_ptr<Scalar>(), gate.layer.outputs},
      MatrixView<Scalar>{
          gate.layer.weight->const_data_ptr<Scalar>(), gate.layer.width},
      own.data_ptr<Scalar>(),
      gate.layer.width,
      /*accumulate=*/!is_first);
}

void KnownLevel::write_expert(
    Expert& expert,
    int64_t loss,
    const torch::Tensor& rows,
    std::vector<StateCotangents>* below) {
  const auto place = static_cast<size_t>(loss);
  expert.parts.resize(std::max(expert.parts.size(), place + 1));
  if (expert.parts[place].empty()) {
    expert.parts[place] = expert.chain->parts(
        rows.narrow(0, loss, 1)
            .narrow(1, expert.place, expert.chain->elements()));
  }
  LayerChain& chain = *expert.chain;
  torch::Tensor& own = expert.cotangents[place];
  if (below == nullptr) {
    chain.write_rows(
        chain.descend(own, 1, expert.is_rectified),
        1,
        expert.parts[place],
        expert.is_rectified);
    return;
  }
  const torch::Tensor sent =
      chain.send_through(own, 1, expert.parts[place], expert.is_rectified);
  bool is_first = false;
  torch::Tensor& sum =
      gradient_below(*below, expert.taker, loss, as_rows(sent), is_first);
  if (is_first) {
    sum.copy_(as_rows(sent));
  } else {
    sum.add_(as_rows(sent));
  }
}

void KnownLevel::backward(
    const std::vector<StateCotangents>& above,
    const torch::Tensor& rows,
    std::vector<StateCotangents>* below) {
  const torch::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView guard;
  for (Expert& expert : experts_) {
    std::fill(expert.is_reached.begin(), expert.is_reached.end(), false);
    if (!rows_.is_same(rows)) {
      expert.parts.clear();
    }
  }
  rows_ = rows;
  as_real(rows.scalar_type(), [&](auto zero) {
    using Scalar = decltype(zero);
    mix_backward<Scalar>(above);
    for (Gate& gate : gates_) {
      for (const auto& of : above[gate.taker].all) {
        torch::Tensor& slopes = gate.cotangents[static_cast<size_t>(of.loss)];
        write_gate<Scalar>(gate, slopes, rows.select(0, of.loss));
        if (below != nullptr) {
          send_below<Scalar>(gate, slopes, of.loss, *below);
        }
      }
    }
  });
  for (Expert& expert : experts_) {
    for (size_t loss = 0; loss < expert.is_reached.size(); ++loss) {
      if (expert.is_reached[loss]) {
        write_expert(expert, static_cast<int64_t>(loss), rows, below);
      }
    }
  }
}

} // namespace polytask::detail
