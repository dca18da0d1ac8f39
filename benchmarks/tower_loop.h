// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/optimizer.h>

#include <memory>
#include <vector>

#include "contender.h"
#include "problem.h"

namespace polytask::benchmarks {

/// A hand-written loop, as one would write it: the sum of squared errors of a
/// tower for each task, behind features that are the derived class's, and Adam.
class TowerLoop : public TensorContender {
 public:
  explicit TowerLoop(const Problem& problem);

  void run(int64_t steps) override;

 protected:
  virtual std::vector<torch::Tensor> features() = 0;

  // In the order of the model's parameters; `start` adds those of the towers.
  torch::nn::Linear add_layer(int64_t in, int64_t out);
  torch::Tensor add_parameter(at::IntArrayRef sizes);
  void start(const Problem& problem);

  torch::Tensor input_;
  std::vector<torch::Tensor> targets_;

 private:
  std::vector<torch::nn::Sequential> towers_;
  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

} // namespace polytask::benchmarks
