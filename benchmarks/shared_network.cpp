// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "shared_network.h"

#include <fmt/format.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include "floor_network.h"
#include "training_contender.h"

namespace polytask::benchmarks {

namespace {

namespace F = torch::nn::functional;

constexpr int64_t kNetworkSteps = 100;

torch::nn::Sequential relu_trunk(const NetworkSize& size) {
  return torch::nn::Sequential(
      torch::nn::Linear(size.features, size.hidden),
      torch::nn::ReLU(),
      torch::nn::Linear(size.hidden, size.hidden),
      torch::nn::ReLU());
}

class NetworkLoop : public TensorContender {
 public:
  NetworkLoop(const Problem& problem, const NetworkSize& size)
      : input_(problem.input),
        targets_(problem.columns()),
        trunk_(relu_trunk(size)) {
    std::vector<torch::Tensor> parameters = trunk_->parameters();
    for (int64_t t = 0; t < size.tasks; ++t) {
      torch::nn::Linear head(size.hidden, 1);
      parameters.insert(parameters.end(), {head->weight, head->bias});
      heads_.push_back(head);
    }
    optimizer_ = std::make_unique<torch::optim::Adam>(parameters, 1e-3);
    start_from(parameters, problem.start);
  }

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      optimizer_->zero_grad();
      const torch::Tensor features = trunk_->forward(input_);
      torch::Tensor loss = F::mse_loss(heads_[0](features), targets_[0]);
      for (size_t t = 1; t < heads_.size(); ++t) {
        loss = loss + F::mse_loss(heads_[t](features), targets_[t]);
      }
      loss.backward();
      optimizer_->step();
    }
  }

 private:
  torch::Tensor input_;
  std::vector<torch::Tensor> targets_;
  torch::nn::Sequential trunk_;
  std::vector<torch::nn::Linear> heads_;
  std::unique_ptr<torch::optim::Adam> optimizer_;
};

} // namespace

MultiTaskModel network_model(const NetworkSize& size) {
  MultiTaskModel model{HardSharing(relu_trunk(size))};
  for (int64_t t = 0; t < size.tasks; ++t) {
    model->add_task(
        Problem::name(t), Task(torch::nn::Linear(size.hidden, 1), MSELoss()));
  }
  return model;
}

LazyProblem network_data(
    const NetworkSize& size, const DataFolder& data, const std::string& job) {
  return LazyProblem([=] {
    return network_problem(
        size.tasks,
        size.rows,
        size.features,
        size.hidden,
        data.empty() ? data : data + "/" + job);
  });
}

void add_shared_networks(Entries& entries, const DataFolder& data) {
  for (const NetworkSize& size :
       {NetworkSize{3, 64, 21, 64},
        NetworkSize{8, 64, 21, 64},
        NetworkSize{21, 64, 21, 64},
        NetworkSize{8, 256, 64, 256},
        NetworkSize{32, 256, 64, 256}}) {
    const std::string job = fmt::format(
        "network {}-{}-{} T={}",
        size.features,
        size.hidden,
        size.hidden,
        size.tasks);
    const LazyProblem lazy = network_data(size, data, job);
    const auto add = [&](const char* contender, auto make) {
      entries.push_back({job, contender, kNetworkSteps, [=] {
                           return make(lazy.get(), size);
                         }});
    };
    const auto training = [](Call call, JointTrainingOptions options = {}) {
      return [=](const Problem& problem, const NetworkSize& of) {
        return std::make_unique<TrainingContender<JointTraining>>(
            problem,
            network_model(of),
            call,
            torch::optim::AdamOptions(1e-3),
            options);
      };
    };
    add("loop", [](const Problem& problem, const NetworkSize& of) {
      return std::make_unique<NetworkLoop>(problem, of);
    });
    add("step", training(Call::kStep));
    add("step, stacked heads",
        training(
            Call::kStep, JointTrainingOptions().route(Route::kStackedHeads)));
    add("step, autograd route",
        training(Call::kStep, JointTrainingOptions().route(Route::kAutograd)));
    add("run", training(Call::kRun));
    add("floor", [](const Problem& problem, const NetworkSize& of) {
      return network_floor(problem, of.hidden, 1e-3);
    });
  }
}

} // namespace polytask::benchmarks
