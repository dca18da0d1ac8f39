// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "generic.h"

#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/optim/adam.h>

#include "training_contender.h"

namespace polytask::benchmarks {

namespace {

namespace F = torch::nn::functional;

constexpr int64_t kGenericTasks = 4;
constexpr int64_t kGenericWidth = 64;

// x + tanh(norm(W x + b)), after a first layer.
struct ResidualTrunkImpl : torch::nn::Cloneable<ResidualTrunkImpl> {
  ResidualTrunkImpl() {
    reset();
  }
  void reset() override {
    first = register_module("first", torch::nn::Linear(21, kGenericWidth));
    second = register_module(
        "second", torch::nn::Linear(kGenericWidth, kGenericWidth));
    norm = register_module(
        "norm",
        torch::nn::LayerNorm(torch::nn::LayerNormOptions({kGenericWidth})));
  }
  torch::Tensor forward(const torch::Tensor& input) {
    const torch::Tensor x = torch::tanh(first(input));
    return x + torch::tanh(norm(second(x)));
  }

  torch::nn::Linear first{nullptr};
  torch::nn::Linear second{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};
TORCH_MODULE(ResidualTrunk);

struct GenericParts {
  GenericParts() {
    torch::manual_seed(1);
    trunk = ResidualTrunk();
    for (int64_t t = 0; t < kGenericTasks; ++t) {
      heads.emplace_back(
          torch::nn::Linear(kGenericWidth, 32),
          torch::nn::Tanh(),
          torch::nn::Linear(32, 1));
    }
  }

  std::vector<torch::Tensor> parameters() const {
    std::vector<torch::Tensor> all = trunk->parameters();
    for (const auto& head : heads) {
      for (const auto& parameter : head->parameters()) {
        all.push_back(parameter);
      }
    }
    return all;
  }

  ResidualTrunk trunk{nullptr};
  std::vector<torch::nn::Sequential> heads;
};

class GenericLoop : public TensorContender {
 public:
  explicit GenericLoop(const Problem& problem)
      : input_(problem.input),
        targets_(problem.columns()),
        optimizer_(parts_.parameters(), 1e-3) {
    start_from(parts_.parameters(), {});
  }

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      optimizer_.zero_grad();
      const torch::Tensor features = parts_.trunk(input_);
      torch::Tensor loss =
          F::huber_loss(parts_.heads[0]->forward(features), targets_[0]);
      for (size_t t = 1; t < targets_.size(); ++t) {
        loss = loss +
            F::huber_loss(parts_.heads[t]->forward(features), targets_[t]);
      }
      loss.backward();
      optimizer_.step();
    }
  }

 private:
  torch::Tensor input_;
  std::vector<torch::Tensor> targets_;
  GenericParts parts_;
  torch::optim::Adam optimizer_;
};

MultiTaskModel generic_model(const GenericParts& parts) {
  MultiTaskModel model{HardSharing(parts.trunk)};
  for (size_t t = 0; t < parts.heads.size(); ++t) {
    model->add_task(
        Problem::name(static_cast<int64_t>(t)),
        Task(parts.heads[t], HuberLoss()));
  }
  return model;
}

// What outlives the training.
struct OwnOptimizer {
  GenericParts parts;
  torch::optim::Adam adam{parts.parameters(), 1e-3};
};

class GenericTraining : private OwnOptimizer,
                        public TrainingContender<JointTraining> {
 public:
  GenericTraining(const Problem& problem, Call call)
      : TrainingContender(problem, generic_model(parts), call, adam) {}
};

} // namespace

void add_generic(Entries& entries) {
  const LazyProblem lazy([] {
    Problem problem = network_problem(kGenericTasks, 64, 21, kGenericWidth, {});
    problem.start = torch::Tensor(); // as GenericParts draws it
    return problem;
  });
  const auto add = [&](const char* contender, auto make) {
    entries.push_back({"generic model T=4", contender, 100, [=] {
                         return make(lazy.get());
                       }});
  };
  const auto training = [](Call call) {
    return [=](const Problem& problem) {
      return std::make_unique<GenericTraining>(problem, call);
    };
  };
  add("loop", [](const Problem& problem) {
    return std::make_unique<GenericLoop>(problem);
  });
  add("step", training(Call::kStep));
  add("run", training(Call::kRun));
}

} // namespace polytask::benchmarks
