// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "optimizers.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_sgd.h>
#include <fmt/format.h>
#include <polytask/optim/make_optimizer.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

namespace polytask::benchmarks {

namespace {

constexpr double kMomentum = 0.9;
constexpr int64_t kOptimizerSteps = 20;

std::vector<torch::Tensor> with_gradients(int64_t count) {
  torch::manual_seed(0);
  std::vector<torch::Tensor> parameters;
  for (int64_t i = 0; i < count; ++i) {
    parameters.push_back(torch::randn({64, 64}).set_requires_grad(true));
    parameters.back().mutable_grad() = torch::randn({64, 64});
  }
  return parameters;
}

torch::optim::AdamOptions adam_options() {
  return torch::optim::AdamOptions(1e-3);
}

torch::optim::SGDOptions momentum_options() {
  return torch::optim::SGDOptions(1e-3).momentum(kMomentum);
}

class OptimizerContender : public TensorContender {
 public:
  template <typename Make>
  OptimizerContender(int64_t count, const Make& make) {
    const auto parameters = with_gradients(count);
    optimizer_ = make(parameters);
    start_from(parameters, {});
  }

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      optimizer_->step();
    }
  }

 private:
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

// The kernels called with lists that were made once.
class FusedContender : public TensorContender {
 public:
  FusedContender(int64_t count, bool adam)
      : adam_(adam), parameters_(with_gradients(count)) {
    for (const auto& parameter : parameters_) {
      gradients_.push_back(parameter.grad());
      first_.push_back(torch::zeros_like(parameter.grad()));
      second_.push_back(torch::zeros_like(parameter.grad()));
      steps_.push_back(torch::zeros({}));
    }
    start_from(parameters_, {});
  }

  void run(int64_t steps) override {
    const torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < steps; ++i) {
      if (adam_) {
        adam_step();
      } else {
        sgd_step();
      }
    }
  }

 private:
  void adam_step() {
    for (auto& step : steps_) {
      *step.mutable_data_ptr<float>() += 1;
    }
    at::_fused_adam_(
        parameters_,
        gradients_,
        first_,
        second_,
        {},
        steps_,
        1e-3,
        0.9,
        0.999,
        0.0,
        1e-8,
        false,
        false);
  }

  void sgd_step() {
    at::_fused_sgd_(
        parameters_,
        gradients_,
        first_,
        0.0,
        kMomentum,
        1e-3,
        0.0,
        false,
        false,
        false);
  }

  bool adam_;
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> gradients_;
  std::vector<torch::Tensor> first_;  // means of the gradients, or momentum
  std::vector<torch::Tensor> second_; // means of their squares
  std::vector<torch::Tensor> steps_;
};

template <typename Optimizer, typename Options>
void add_optimizer(
    Entries& entries, const char* name, int64_t count, const Options& options) {
  const std::string job = fmt::format("{}, {} x [64,64]", name, count);
  const auto add = [&](const char* contender, auto make) {
    entries.push_back({job, contender, kOptimizerSteps, make});
  };
  add("loop", [=] {
    return std::make_unique<OptimizerContender>(
        count, [&](const auto& parameters) {
          return std::make_unique<Optimizer>(parameters, options);
        });
  });
  add("step", [=] {
    return std::make_unique<OptimizerContender>(
        count, [&](const auto& parameters) {
          return optim::make_optimizer({{parameters, {}}}, options);
        });
  });
  add("floor", [=] {
    return std::make_unique<FusedContender>(
        count, std::is_same_v<Optimizer, torch::optim::Adam>);
  });
}

} // namespace

void add_optimizers(Entries& entries) {
  for (const int64_t count : {20, 200}) {
    add_optimizer<torch::optim::Adam>(entries, "Adam", count, adam_options());
    add_optimizer<torch::optim::SGD>(
        entries, "SGD momentum", count, momentum_options());
  }
}

} // namespace polytask::benchmarks
