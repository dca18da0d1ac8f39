// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "graph_gate.h"

#include <torch/csrc/autograd/autograd.h>

#include <utility>

#include "../program/parameter_obstacle.h"

namespace polytask::detail {

GraphGate::GraphGate(std::shared_ptr<Gate> gate, const ParameterPlaces& places)
    : gate_(std::move(gate)) {
  for (const auto& parameter : gate_->parameters()) {
    if (const int64_t place = places.of(parameter); place >= 0) {
      parameters_.push_back(parameter);
      parameter_places_.push_back(place);
    }
  }
}

Obstacle GraphGate::obstacle(const torch::Tensor& like) const {
  for (const auto& parameter : gate_->parameters()) {
    if (auto found = parameter_obstacle(
            parameter, parameter.sizes(), like.scalar_type())) {
      return found;
    }
  }
  return {};
}

const torch::Tensor& GraphGate::forward(
    const torch::Tensor& rows, bool is_differentiated) {
  const torch::AutoGradMode mode(is_differentiated);
  shares_ = gate_->shares(rows);
  return shares_;
}

void GraphGate::write(const Reached& reached, const torch::Tensor& rows) const {
  if (parameters_.empty() || !shares_.requires_grad()) {
    return;
  }
  const int64_t batch = shares_.size(0);
  for (int64_t i = 0; i < reached.count; ++i) {
    const auto gradients = torch::autograd::grad(
        {shares_},
        parameters_,
        {reached.values.narrow(0, i * batch, batch)},
        /*retain_graph=*/true,
        /*create_graph=*/false,
        /*allow_unused=*/true);
    const torch::Tensor row = rows.select(0, reached.first + i);
    for (size_t j = 0; j < parameters_.size(); ++j) {
      auto own = row.narrow(0, parameter_places_[j], parameters_[j].numel());
      if (gradients[j].defined()) {
        own.copy_(gradients[j].flatten());
      } else {
        own.zero_();
      }
    }
  }
}

} // namespace polytask::detail
