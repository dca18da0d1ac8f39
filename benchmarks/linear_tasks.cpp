// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "linear_tasks.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <polytask/training.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace polytask::benchmarks {

namespace {

namespace F = torch::nn::functional;

struct Size {
  int64_t tasks;
  int64_t rows;
  int64_t features;
};

constexpr double kLearningRate = 0.01;

struct Data {
  explicit Data(const Size& size)
      : input(torch::rand({size.rows, size.features})) {
    for (int64_t t = 0; t < size.tasks; ++t) {
      targets.push_back(torch::rand({size.rows, 1}));
      names.push_back(fmt::format("task{}", t));
    }
  }

  Batch batch() const {
    Batch::Targets named;
    for (size_t t = 0; t < names.size(); ++t) {
      named.emplace_back(names[t], targets[t]);
    }
    return Batch(input, named);
  }

  MultiTaskModel model() const {
    MultiTaskModel model;
    for (const auto& name : names) {
      model->add_task(name, LinearTask(input.size(1), 1));
    }
    return model;
  }

  std::vector<torch::nn::Linear> layers() const {
    std::vector<torch::nn::Linear> layers;
    for (size_t t = 0; t < names.size(); ++t) {
      layers.emplace_back(input.size(1), 1);
    }
    return layers;
  }

  torch::Tensor input;
  std::vector<torch::Tensor> targets;
  std::vector<std::string> names;
};

void joint_loop(benchmark::State& state, const Size& size) {
  const Data data(size);
  auto layers = data.layers();
  std::vector<torch::Tensor> parameters;
  for (const auto& layer : layers) {
    for (const auto& parameter : layer->parameters()) {
      parameters.push_back(parameter);
    }
  }
  torch::optim::SGD optimizer(parameters, kLearningRate);
  for (auto _ : state) {
    optimizer.zero_grad();
    torch::Tensor loss = F::mse_loss(layers[0](data.input), data.targets[0]);
    for (size_t t = 1; t < layers.size(); ++t) {
      loss = loss + F::mse_loss(layers[t](data.input), data.targets[t]);
    }
    loss.backward();
    optimizer.step();
  }
}

void joint_step(benchmark::State& state, const Size& size, bool new_batch) {
  const Data data(size);
  JointTraining joint(data.model(), torch::optim::SGDOptions(kLearningRate));
  const Batch batch = data.batch();
  for (auto _ : state) {
    joint.step(new_batch ? data.batch() : batch);
  }
}

void joint_run(benchmark::State& state, const Size& size) {
  const Data data(size);
  JointTraining joint(data.model(), torch::optim::SGDOptions(kLearningRate));
  const Batch batch = data.batch();
  while (state.KeepRunningBatch(10)) {
    joint.run(batch, 10);
  }
}

void alternating_loop(benchmark::State& state, const Size& size) {
  const Data data(size);
  auto layers = data.layers();
  std::vector<std::unique_ptr<torch::optim::SGD>> optimizers;
  for (const auto& layer : layers) {
    optimizers.push_back(std::make_unique<torch::optim::SGD>(
        layer->parameters(), kLearningRate));
  }
  std::mt19937_64 generator(0);
  std::uniform_int_distribution<size_t> draw(0, layers.size() - 1);
  for (auto _ : state) {
    const size_t t = draw(generator);
    optimizers[t]->zero_grad();
    F::mse_loss(layers[t](data.input), data.targets[t]).backward();
    optimizers[t]->step();
  }
}

void alternating_step(
    benchmark::State& state, const Size& size, bool new_batch) {
  const Data data(size);
  AlternatingTraining alternating(
      data.model(), torch::optim::SGDOptions(kLearningRate));
  const Batch batch = data.batch();
  for (auto _ : state) {
    alternating.step(new_batch ? data.batch() : batch);
  }
}

void alternating_run(benchmark::State& state, const Size& size) {
  const Data data(size);
  AlternatingTraining alternating(
      data.model(), torch::optim::SGDOptions(kLearningRate));
  const Batch batch = data.batch();
  while (state.KeepRunningBatch(10)) {
    alternating.run(batch, 10);
  }
}

template <typename Function>
void add(const std::string& job, const char* contender, Function function) {
  benchmark::RegisterBenchmark((job + "/" + contender).c_str(), function)
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

} // namespace

void register_linear_tasks() {
  for (const Size size :
       {Size{2, 100, 2}, Size{8, 256, 64}, Size{64, 1024, 256}}) {
    const auto job = [&](const char* strategy) {
      return fmt::format(
          "{} ({},{},{})", strategy, size.tasks, size.rows, size.features);
    };
    using State = benchmark::State;
    add(job("joint"), "loop", [=](State& s) { joint_loop(s, size); });
    add(job("joint"), "step", [=](State& s) { joint_step(s, size, false); });
    add(job("joint"), "step with a new Batch", [=](State& s) {
      joint_step(s, size, true);
    });
    add(job("joint"), "run", [=](State& s) { joint_run(s, size); });
    add(job("alternating"), "loop", [=](State& s) {
      alternating_loop(s, size);
    });
    add(job("alternating"), "step", [=](State& s) {
      alternating_step(s, size, false);
    });
    add(job("alternating"), "step with a new Batch", [=](State& s) {
      alternating_step(s, size, true);
    });
    add(job("alternating"), "run", [=](State& s) { alternating_run(s, size); });
  }
}

} // namespace polytask::benchmarks
