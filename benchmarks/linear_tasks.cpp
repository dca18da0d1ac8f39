// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "linear_tasks.h"

#include <fmt/format.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "floor_linear.h"
#include "training_contender.h"

namespace polytask::benchmarks {

namespace {

namespace F = torch::nn::functional;

std::vector<torch::nn::Linear> linear_layers(const Problem& problem) {
  std::vector<torch::nn::Linear> layers;
  for (int64_t t = 0; t < problem.tasks(); ++t) {
    layers.emplace_back(problem.input.size(1), 1);
  }
  return layers;
}

std::vector<torch::Tensor> all_parameters(
    const std::vector<torch::nn::Linear>& layers) {
  std::vector<torch::Tensor> parameters;
  for (const auto& layer : layers) {
    parameters.insert(parameters.end(), {layer->weight, layer->bias});
  }
  return parameters;
}

class JointLoop : public TensorContender {
 public:
  JointLoop(const Problem& problem, double learning_rate)
      : input_(problem.input),
        targets_(problem.columns()),
        layers_(linear_layers(problem)),
        optimizer_(all_parameters(layers_), learning_rate) {
    start_from(all_parameters(layers_), problem.start);
  }

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      optimizer_.zero_grad();
      torch::Tensor loss = F::mse_loss(layers_[0](input_), targets_[0]);
      for (size_t t = 1; t < layers_.size(); ++t) {
        loss = loss + F::mse_loss(layers_[t](input_), targets_[t]);
      }
      loss.backward();
      optimizer_.step();
    }
  }

 private:
  torch::Tensor input_;
  std::vector<torch::Tensor> targets_;
  std::vector<torch::nn::Linear> layers_;
  torch::optim::SGD optimizer_;
};

class AlternatingLoop : public TensorContender {
 public:
  AlternatingLoop(const Problem& problem, double learning_rate)
      : input_(problem.input),
        targets_(problem.columns()),
        draws_(problem.draws),
        layers_(linear_layers(problem)) {
    for (const auto& layer : layers_) {
      optimizers_.push_back(std::make_unique<torch::optim::SGD>(
          layer->parameters(), learning_rate));
    }
    start_from(all_parameters(layers_), problem.start);
  }

  void run(int64_t steps) override {
    for (int64_t i = 0; i < steps; ++i) {
      const auto t = static_cast<size_t>(draws_[drawn_++ % draws_.size()]);
      optimizers_[t]->zero_grad();
      F::mse_loss(layers_[t](input_), targets_[t]).backward();
      optimizers_[t]->step();
    }
  }

 private:
  torch::Tensor input_;
  std::vector<torch::Tensor> targets_;
  std::vector<int64_t> draws_;
  size_t drawn_ = 0;
  std::vector<torch::nn::Linear> layers_;
  std::vector<std::unique_ptr<torch::optim::SGD>> optimizers_;
};

template <typename Loop>
std::unique_ptr<Contender> linear_loop(
    const Problem& problem, double learning_rate) {
  return std::make_unique<Loop>(problem, learning_rate);
}

MultiTaskModel linear_model(const Problem& problem) {
  MultiTaskModel model;
  for (int64_t t = 0; t < problem.tasks(); ++t) {
    model->add_task(Problem::name(t), LinearTask(problem.input.size(1), 1));
  }
  return model;
}

template <typename Training, typename Options>
std::unique_ptr<Contender> linear_training(
    const Problem& problem, double learning_rate, Call call, Options options) {
  return std::make_unique<TrainingContender<Training>>(
      problem,
      linear_model(problem),
      call,
      torch::optim::SGDOptions(learning_rate),
      options);
}

std::string linear_job(const char* strategy, const LinearSize& size) {
  return fmt::format(
      "{} ({},{},{})", strategy, size.tasks, size.rows, size.features);
}

LazyProblem lazy_problem(const LinearSize& size, const DataFolder& data) {
  return LazyProblem([=] {
    return linear_problem(size.tasks, size.rows, size.features, data);
  });
}

// A run finds the eigenbasis of its batch first, whatever its length.
constexpr int64_t kRunSteps = 300;
constexpr int64_t kAlternatingRunSteps = 1000; // the original job's number

void add_alternating_linear(
    Entries& entries, const LinearSize& size, const DataFolder& data) {
  const auto add = [&, lazy = lazy_problem(size, data)](
                       const char* contender, auto make, int64_t steps = 0) {
    entries.push_back(
        {linear_job("alternating", size),
         contender,
         std::max({size.steps, steps, int64_t{100}}),
         [=, rate = size.learning_rate] { return make(lazy.get(), rate); }});
  };
  const auto training = [](Call call, Route route = Route::kAuto) {
    return [=](const Problem& problem, double learning_rate) {
      return linear_training<AlternatingTraining>(
          problem, learning_rate, call, drawn_before(problem).route(route));
    };
  };
  add("loop", linear_loop<AlternatingLoop>);
  add("step", training(Call::kStep));
  add("step, new Batch", training(Call::kNewBatch));
  add("step, new Batch unchecked", training(Call::kNewBatchUnchecked));
  add("step, autograd route", training(Call::kStep, Route::kAutograd));
  add("run", training(Call::kRun), kAlternatingRunSteps);
  add("floor", alternating_linear_floor);
}

} // namespace

void add_joint_linear(
    Entries& entries, const LinearSize& size, const DataFolder& data) {
  const auto add = [&, lazy = lazy_problem(size, data)](
                       const char* contender, auto make, int64_t steps = 0) {
    entries.push_back(
        {linear_job("joint", size),
         contender,
         std::max(size.steps, steps),
         [=, rate = size.learning_rate] { return make(lazy.get(), rate); }});
  };
  const auto training = [](Call call, JointTrainingOptions options = {}) {
    return [=](const Problem& problem, double learning_rate) {
      return linear_training<JointTraining>(
          problem, learning_rate, call, options);
    };
  };
  add("loop", linear_loop<JointLoop>);
  add("step", training(Call::kStep));
  add("step, new Batch", training(Call::kNewBatch));
  add("step, new Batch unchecked", training(Call::kNewBatchUnchecked));
  add("step, autograd route",
      training(Call::kStep, JointTrainingOptions().route(Route::kAutograd)));
  add("run on residuals",
      training(
          Call::kRun,
          JointTrainingOptions().fixed_batch(FixedBatch::kResidual)));
  add("run", training(Call::kRun), kRunSteps);
  add("floor", joint_linear_floor);
}

void add_linear_tasks(Entries& entries, const DataFolder& data) {
  for (const LinearSize& size :
       {LinearSize{2, 100, 2, 0.5, 300},
        LinearSize{8, 256, 64, 0.05, 300},
        LinearSize{64, 1024, 256, 0.05, 50},
        LinearSize{256, 4096, 512, 0.05, 4}}) {
    add_joint_linear(entries, size, data);
    add_alternating_linear(entries, size, data);
  }
}

} // namespace polytask::benchmarks
