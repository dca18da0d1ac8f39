// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "real_networks.h"

#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include "training_contender.h"

namespace polytask::benchmarks {

namespace {

namespace F = torch::nn::functional;
namespace nn = torch::nn;

template <typename Trunk, typename Head>
struct Parts {
  std::vector<torch::Tensor> parameters() const {
    std::vector<torch::Tensor> all = trunk->parameters();
    for (const Head& head : heads) {
      for (const auto& parameter : head->parameters()) {
        all.push_back(parameter);
      }
    }
    return all;
  }

  Trunk trunk;
  std::vector<Head> heads;
};

template <typename Trunk, typename MakeHead>
auto parts_of(Trunk trunk, int64_t tasks, const MakeHead& make_head) {
  Parts<Trunk, decltype(make_head())> parts{std::move(trunk), {}};
  for (int64_t t = 0; t < tasks; ++t) {
    parts.heads.push_back(make_head());
  }
  return parts;
}

// Of one input, starting as the modules draw it.
Problem sines(int64_t tasks, int64_t rows, int64_t features) {
  Problem problem = network_problem(tasks, rows, features, 1, {});
  problem.start = torch::Tensor();
  return problem;
}

struct SquaredError {
  static MSELoss loss() {
    return MSELoss();
  }
  static torch::Tensor loop_loss(
      const torch::Tensor& output, const torch::Tensor& target) {
    return F::mse_loss(output, target);
  }
};

// Deep, with dropout.

nn::Sequential dropout_trunk() {
  nn::Sequential trunk;
  for (const int64_t in : {61, 512, 512}) {
    trunk->push_back(nn::Linear(in, 512));
    trunk->push_back(nn::ReLU());
    trunk->push_back(nn::Dropout(0.1));
  }
  return trunk;
}

struct Dropout : SquaredError {
  static constexpr const char* kJob = "deep 61-512-512-512 dropout B=64 T=16";
  static constexpr int64_t kSteps = 10;
  using Optimizer = torch::optim::Adam;

  static Problem problem() {
    return sines(16, 64, 61);
  }
  static auto parts() {
    return parts_of(dropout_trunk(), 16, [] { return nn::Linear(512, 1); });
  }
};

// Convolutions on images, and classes.

nn::Sequential convolutions() {
  nn::Sequential trunk;
  int64_t in = 1;
  for (const int64_t out : {16, 32, 64}) {
    trunk->push_back(nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1)));
    trunk->push_back(nn::ReLU());
    trunk->push_back(nn::MaxPool2d(2));
    in = out;
  }
  trunk->push_back(nn::Flatten());
  return trunk;
}

struct Convolutions {
  static constexpr const char* kJob = "conv 28x28 B=128 T=2";
  static constexpr int64_t kSteps = 2;
  using Optimizer = torch::optim::Adam;

  static Problem problem() {
    torch::manual_seed(0);
    return {
        torch::randn({128, 1, 28, 28}),
        torch::randint(10, {128, 2}, torch::kInt64),
        {},
        {}};
  }
  static auto parts() {
    return parts_of(
        convolutions(), 2, [] { return nn::Linear(64 * 3 * 3, 10); });
  }
  static CrossEntropyLoss loss() {
    return CrossEntropyLoss();
  }
  static torch::Tensor loop_loss(
      const torch::Tensor& output, const torch::Tensor& target) {
    return F::cross_entropy(output, target.view(-1));
  }
};

// Many tasks behind a small trunk of the user's own.

struct OwnTrunkImpl : nn::Cloneable<OwnTrunkImpl> {
  OwnTrunkImpl() {
    reset();
  }
  void reset() override {
    linear = register_module(
        "linear", nn::Linear(nn::LinearOptions(10, 16).bias(false)));
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return torch::tanh(linear(input));
  }

  nn::Linear linear{nullptr};
};
TORCH_MODULE(OwnTrunk);

struct ManySmall : SquaredError {
  static constexpr const char* kJob = "unknown 40 tasks x 160";
  static constexpr int64_t kSteps = 50;
  using Optimizer = torch::optim::SGD;

  static Problem problem() {
    return sines(40, 32, 10);
  }
  static auto parts() {
    return parts_of(OwnTrunk(), 40, [] { return nn::Linear(16, 1); });
  }
};

// Heads of several layers behind a known trunk.

struct DeepHeads {
  static constexpr const char* kJob = "deep heads 21-64-64 B=64 T=8";
  static constexpr int64_t kSteps = 100;
  using Optimizer = torch::optim::Adam;

  static Problem problem() {
    return sines(8, 64, 21);
  }
  static auto parts() {
    return parts_of(
        nn::Sequential(
            nn::Linear(21, 64), nn::ReLU(), nn::Linear(64, 64), nn::ReLU()),
        8,
        [] {
          return nn::Sequential(
              nn::Linear(64, 32), nn::Tanh(), nn::Linear(32, 1));
        });
  }
  static HuberLoss loss() {
    return HuberLoss();
  }
  static torch::Tensor loop_loss(
      const torch::Tensor& output, const torch::Tensor& target) {
    return F::huber_loss(output, target);
  }
};

template <typename Job>
auto drawn_parts() {
  torch::manual_seed(1);
  return Job::parts();
}

torch::optim::AdamOptions options_of(const torch::optim::Adam*) {
  return torch::optim::AdamOptions(1e-3);
}

torch::optim::SGDOptions options_of(const torch::optim::SGD*) {
  return torch::optim::SGDOptions(1e-2);
}

template <typename Job>
auto optimizer_options() {
  return options_of(static_cast<const typename Job::Optimizer*>(nullptr));
}

template <typename Job>
class RealLoop : public TensorContender {
 public:
  explicit RealLoop(const Problem& problem)
      : input_(problem.input),
        targets_(problem.columns()),
        parts_(drawn_parts<Job>()),
        optimizer_(parts_.parameters(), optimizer_options<Job>()) {
    start_from(parts_.parameters(), {});
  }

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      optimizer_.zero_grad();
      const torch::Tensor features = parts_.trunk->forward(input_);
      torch::Tensor loss =
          Job::loop_loss(parts_.heads[0]->forward(features), targets_[0]);
      for (size_t t = 1; t < targets_.size(); ++t) {
        loss = loss +
            Job::loop_loss(parts_.heads[t]->forward(features), targets_[t]);
      }
      loss.backward();
      optimizer_.step();
    }
  }

 private:
  torch::Tensor input_;
  std::vector<torch::Tensor> targets_;
  decltype(Job::parts()) parts_;
  typename Job::Optimizer optimizer_;
};

template <typename Job>
MultiTaskModel real_model() {
  const auto parts = drawn_parts<Job>();
  MultiTaskModel model{HardSharing(parts.trunk)};
  for (const auto& head : parts.heads) {
    model->add_task(Problem::name(model->size()), Task(head, Job::loss()));
  }
  return model;
}

template <typename Job>
void add_job(Entries& entries, const std::vector<const char*>& methods) {
  const LazyProblem lazy(Job::problem);
  const auto add = [&](const std::string& contender,
                       auto make,
                       const std::string& reference = "loop") {
    entries.push_back(
        {Job::kJob,
         contender,
         Job::kSteps,
         [=]() -> std::unique_ptr<Contender> {
           auto made = make(lazy.get());
           torch::manual_seed(2); // all contenders drop the same units
           return made;
         },
         reference});
  };
  const auto training = [](const JointTrainingOptions& options) {
    return [=](const Problem& problem) {
      return std::make_unique<TrainingContender<JointTraining>>(
          problem,
          real_model<Job>(),
          Call::kStep,
          optimizer_options<Job>(),
          options);
    };
  };
  const auto autograd = [](JointTrainingOptions options) {
    return options.route(Route::kAutograd);
  };
  add("loop", [](const Problem& problem) {
    return std::make_unique<RealLoop<Job>>(problem);
  });
  add("step", training({}));
  add("step, autograd route", training(autograd({})));
  for (const std::string method : methods) {
    const auto balanced =
        JointTrainingOptions().balancing(balancing::make(method, {}));
    add(method + ", autograd route", training(autograd(balanced)), "");
    add(method, training(balanced), method + ", autograd route");
  }
}

} // namespace

void add_real_networks(Entries& entries) {
  add_job<Dropout>(entries, {"upgrad", "pcgrad"});
  add_job<Convolutions>(entries, {"upgrad", "pcgrad"});
  add_job<ManySmall>(entries, {"upgrad", "pcgrad"});
  add_job<DeepHeads>(entries, {"upgrad"});
}

} // namespace polytask::benchmarks
