// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_level.h"

#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>

#include "../kernels/rectify.h"
#include "../layers/chains_at_once.h"
#include "../layers/products.h"

namespace polytask::detail {

// What reaches the gates' shares, and the experts' outputs.
template <typename Scalar>
void KnownLevel::mix_backward(const std::vector<Reached>& above) {
  auto& jobs = memory_.jobs<Scalar>();
  int64_t rows = 0;
  for (Gate& gate : gates_) {
    const Reached& mixed = above[gate.taker];
    gate.reached.first = mixed.first;
    gate.reached.count = mixed.count;
    if (mixed.count == 0) {
      continue;
    }
    rows = gate.shares.size(0);
    const int64_t size = gate.output.numel();
    torch::Tensor& own = gate.reached.values;
    reserve(own, {mixed.count * rows, gate.columns()}, gate.shares.options());
    auto* to = own.template data_ptr<Scalar>();
    for (int64_t i = 0; i < mixed.count; ++i) {
      jobs.dot(
          size / std::max<int64_t>(1, rows),
          mixed.of<Scalar>(mixed.first + i, size),
          to + i * gate.shares.numel());
      for (const size_t place : gate.experts) {
        jobs.matrix(experts_[place].output.template const_data_ptr<Scalar>());
      }
    }
    for (const size_t place : gate.experts) {
      experts_[place].reached.cover(mixed);
    }
  }
  for (Expert& expert : experts_) {
    Reached& reached = expert.reached;
    if (reached.count == 0) {
      continue;
    }
    const int64_t size = expert.output.numel();
    auto shape = expert.output.sizes().vec();
    shape[0] *= reached.count;
    reserve(reached.values, shape, expert.output.options());
    auto* to = reached.values.template data_ptr<Scalar>();
    for (int64_t i = 0; i < reached.count; ++i) {
      jobs.mix(
          size / std::max<int64_t>(1, rows),
          expert.is_rectified ? expert.output.template const_data_ptr<Scalar>()
                              : nullptr,
          to + i * size);
      for (const auto& [place, column] : expert.mixers) {
        const Gate& gate = gates_[place];
        const Reached& mixed = above[gate.taker];
        if (mixed.has(reached.first + i)) {
          jobs.term(
              {mixed.of<Scalar>(reached.first + i, size),
               gate.shares.template const_data_ptr<Scalar>() + column,
               gate.columns(),
               static_cast<Scalar>(own_weight(gate, column))});
        }
      }
    }
  }
  jobs.run(rows);
}

// From the shares to the weights of own experts, and to what the softmax takes.
template <typename Scalar>
void KnownLevel::descend_shares(Gate& gate, const torch::Tensor& rows) {
  const int64_t batch = gate.shares.size(0);
  const int64_t columns = gate.columns();
  for (int64_t i = 0; i < gate.reached.count; ++i) {
    auto* values = gate.reached.values.template data_ptr<Scalar>() +
        i * gate.shares.numel();
    if (gate.own_place >= 0) {
      // The weights of own experts see the same products.
      reserve(column_sums_, {columns}, gate.shares.options());
      auto* sums = column_sums_.template data_ptr<Scalar>();
      sum_rows(values, batch, columns, sums);
      auto* to = rows.template data_ptr<Scalar>() +
          (gate.reached.first + i) * rows.stride(0) + gate.own_place;
      for (size_t j = 0; j < gate.own.size(); ++j) {
        to[j] = sums[gate.own[j]];
      }
    }
    if (gate.logits) {
      softmax_gradient(
          gate.shares.template const_data_ptr<Scalar>(),
          batch,
          columns,
          values);
    }
  }
}

namespace {

// To what reaches a state, of all that does.
void add_sent(const torch::Tensor& sent, const Reached& from, Reached& to) {
  const torch::Tensor values = as_rows(sent);
  const bool is_whole = from.first == to.first && from.count == to.count;
  if (!to.values.defined() && is_whole) {
    to.values = values;
    return;
  }
  const int64_t rows = values.size(0) / from.count;
  if (!to.values.defined()) {
    to.values =
        torch::zeros({to.count * rows, values.size(1)}, values.options());
  }
  to.values.narrow(0, (from.first - to.first) * rows, from.count * rows)
      .add_(values);
}

} // namespace

// Through the experts and what gates take the softmax of.
void KnownLevel::send(const torch::Tensor& rows, std::vector<Reached>* below) {
  backwards_.clear();
  for (Expert& expert : experts_) {
    if (expert.reached.count > 0) {
      backwards_.push_back(
          {expert.taker, &expert.chain, &expert.reached, expert.is_rectified});
    }
  }
  for (Gate& gate : gates_) {
    if (gate.reached.count > 0 && gate.logits) {
      backwards_.push_back({gate.taker, &*gate.logits, &gate.reached, false});
    }
  }
  ChainsAtOnce chains;
  for (const Backward& each : backwards_) {
    chains.add(each.chain->layers(), each.reached->values);
  }
  chains.run([&](size_t i) {
    Backward& each = backwards_[i];
    each.sent = each.chain->write(
        *each.reached, rows, below != nullptr, each.is_masked);
  });
  if (below == nullptr) {
    return;
  }
  for (const Backward& each : backwards_) {
    (*below)[each.taker].cover(*each.reached);
  }
  for (const Backward& each : backwards_) {
    add_sent(each.sent, *each.reached, (*below)[each.taker]);
  }
}

void KnownLevel::backward(
    const std::vector<Reached>& above,
    const torch::Tensor& rows,
    std::vector<Reached>* below) {
  const torch::NoGradGuard no_grad;
  for (Expert& expert : experts_) {
    expert.reached.count = 0;
  }
  {
    const at::AutoDispatchBelowADInplaceOrView guard;
    as_real(rows.scalar_type(), [&](auto zero) {
      using Scalar = decltype(zero);
      mix_backward<Scalar>(above);
      for (Gate& gate : gates_) {
        descend_shares<Scalar>(gate, rows);
      }
    });
  }
  send(rows, below);
  for (const Gate& gate : gates_) {
    if (gate.reached.count > 0 && gate.graph) {
      gate.graph->write(gate.reached, rows);
    }
  }
}

} // namespace polytask::detail
