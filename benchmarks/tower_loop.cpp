// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tower_loop.h"

#include <torch/nn/functional/loss.h>
#include <torch/optim/adam.h>

#include "mixtures.h"

namespace polytask::benchmarks {

TowerLoop::TowerLoop(const Problem& problem)
    : input_(problem.input), targets_(problem.columns()) {}

void TowerLoop::run(int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) {
    optimizer_->zero_grad();
    const auto features = this->features();
    torch::Tensor loss;
    for (size_t t = 0; t < features.size(); ++t) {
      const auto own = torch::nn::functional::mse_loss(
          towers_[t]->forward(features[t]), targets_[t]);
      loss = t == 0 ? own : loss + own;
    }
    loss.backward();
    optimizer_->step();
  }
}

torch::nn::Linear TowerLoop::add_layer(int64_t in, int64_t out) {
  torch::nn::Linear layer(in, out);
  parameters_.insert(parameters_.end(), {layer->weight, layer->bias});
  return layer;
}

torch::Tensor TowerLoop::add_parameter(at::IntArrayRef sizes) {
  parameters_.push_back(torch::zeros(sizes, torch::requires_grad()));
  return parameters_.back();
}

void TowerLoop::start(const Problem& problem) {
  for (size_t t = 0; t < targets_.size(); ++t) {
    towers_.push_back(mixture_tower());
    const auto own = towers_.back()->parameters();
    parameters_.insert(parameters_.end(), own.begin(), own.end());
  }
  optimizer_ = std::make_unique<torch::optim::Adam>(parameters_, 1e-3);
  start_from(parameters_, problem.start);
}

} // namespace polytask::benchmarks
