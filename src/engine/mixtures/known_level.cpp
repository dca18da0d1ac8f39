// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_level.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <typeinfo>
#include <utility>

#include "../kernels/gemm.h"
#include "../kernels/rectify.h"
#include "../layers/products.h"
#include "mixing_jobs.h"

namespace polytask::detail {

namespace {

// Where parameters that are to stand one after the other begin in a row;
// negative where they do not.
int64_t place_of_all(
    const std::vector<torch::Tensor>& parameters,
    const ParameterPlaces& places) {
  int64_t first = 0;
  int64_t next = -1;
  for (const auto& parameter : parameters) {
    const auto found = places.find(parameter.unsafeGetTensorImpl());
    if (found == places.end() || (next >= 0 && found->second != next)) {
      return -1;
    }
    first = next < 0 ? found->second : first;
    next = found->second + parameter.numel();
  }
  return first;
}

int64_t place_of_one(
    const torch::Tensor& parameter, const ParameterPlaces& places) {
  const auto found = places.find(parameter.unsafeGetTensorImpl());
  return found == places.end() ? -1 : found->second;
}

torch::Tensor as_rows(const torch::Tensor& state) {
  return state.dim() == 2 ? state : state.flatten(1);
}

} // namespace

std::unique_ptr<KnownLevel> KnownLevel::make(
    std::shared_ptr<ExpertLevel> level,
    const ParameterPlaces& places,
    std::string& reason) {
  const ExpertForm& form = level->form();
  if (form.shared_read_tasks || form.stops_others || form.adds_shared_state ||
      form.balances) {
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
      if (!known->add_expert(t, expert, places, reason)) {
        return nullptr;
      }
    }
  }
  for (size_t t = 0; t < takers.size(); ++t) {
    if (takers[t].gate && !known->add_gate(t, places, reason)) {
      return nullptr;
    }
  }
  known->outputs_.resize(takers.size());
  known->state_buffers_.resize(takers.size());
  return known;
}

bool KnownLevel::add_expert(
    size_t taker,
    const Network& expert,
    const ParameterPlaces& places,
    std::string& reason) {
  KnownLayers layers;
  if (!append_known_layers(expert.module(), layers, reason)) {
    reason = "an expert has " + reason;
    return false;
  }
  if (layers.empty()) {
    reason = "an expert is empty";
    return false;
  }
  Expert own{taker};
  own.chain = LayerChain::make(
      std::move(layers), expert.module()->parameters(), reason);
  if (!own.chain) {
    return false;
  }
  own.place = place_of_all(own.chain->parameters(), places);
  own.is_rectified = own.chain->is_rectified();
  if (own.place < 0) {
    reason = "the optimizer does not hold all that is shared";
    return false;
  }
  experts_.push_back(std::move(own));
  return true;
}

bool KnownLevel::add_gate(
    size_t taker, const ParameterPlaces& places, std::string& reason) {
  const auto& takers = level_->takers();
  const detail::Gate& kind = *takers[taker].gate;
  if (typeid(kind) != typeid(SoftmaxGate)) {
    reason = "a gate is of another kind than a softmax";
    return false;
  }
  auto layer =
      LinearLayer::of(static_cast<const SoftmaxGate&>(kind).logits().module());
  if (!layer) {
    reason = "a gate has more than one layer";
    return false;
  }
  Gate own{taker, *std::move(layer)};
  own.weight_place = place_of_one(*own.layer.weight, places);
  own.bias_place =
      own.layer.has_bias() ? place_of_one(*own.layer.bias, places) : -1;
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
  own.own_place =
      own.own_weights.defined() ? place_of_one(own.own_weights, places) : -1;
  gates_.push_back(std::move(own));
  return true;
}

bool KnownLevel::takes_indices() const {
  return std::ranges::all_of(experts_, [](const Expert& expert) {
    return expert.chain->takes_indices();
  });
}

Obstacle KnownLevel::obstacle(const torch::Tensor& like) const {
  for (const Expert& expert : experts_) {
    if (auto found = expert.chain->obstacle(like)) {
      return found;
    }
  }
  for (const Gate& gate : gates_) {
    if (auto found = gate.layer.obstacle(like.scalar_type(), like.device())) {
      return found;
    }
    const torch::Tensor& own = gate.own_weights;
    if (own.defined() &&
        (!is_host_real(own) || own.scalar_type() != like.scalar_type())) {
      return {"weights of own experts are of another kind"};
    }
  }
  return {};
}

// The gate's shares, and the experts it mixes, in the order of autograd's
// forward, in which layers that draw do so.
void KnownLevel::use(Gate& gate, const std::vector<torch::Tensor>& states) {
  gate.is_used = true;
  for (const size_t place : gate.experts) {
    Expert& expert = experts_[place];
    if (!expert.is_used) {
      expert.is_used = true;
      expert.output = expert.chain->forward(states[expert.taker]);
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

const std::vector<torch::Tensor>& KnownLevel::forward(
    const std::vector<torch::Tensor>& states, const Wanted& wanted) {
  const torch::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  for (Expert& expert : experts_) {
    expert.is_used = false;
  }
  for (Gate& gate : gates_) {
    gate.is_used = false;
    level_->takers()[gate.taker].shares.reset();
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
    level_->takers()[gate.taker].shares = gate.shares;
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

void KnownLevel::note_used(std::vector<torch::Tensor>& used) const {
  for (const Expert& expert : experts_) {
    if (expert.is_used) {
      const auto& own = expert.chain->parameters();
      used.insert(used.end(), own.begin(), own.end());
    }
  }
  for (const Gate& gate : gates_) {
    if (!gate.is_used) {
      continue;
    }
    used.push_back(*gate.layer.weight);
    if (gate.layer.has_bias()) {
      used.push_back(*gate.layer.bias);
    }
    if (gate.own_weights.defined()) {
      used.push_back(gate.own_weights);
    }
  }
}

} // namespace polytask::detail
