// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/cross_stitch.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/threads.h"

// Steps that are large enough for threads to share them are the steps of one.

namespace polytask {
namespace {

using testing::Threads;
using torch::nn::Linear;
using torch::nn::ReLU;
using torch::nn::Sequential;

constexpr int64_t kThreadedRows = 512;
constexpr int64_t kThreadedInputs = 48;
constexpr int64_t kThreadedWidth = 64;
constexpr int64_t kThreadedTasks = 4;

NetworkFactory threaded_layers(int64_t inputs, double dropout) {
  return [=]() -> Network {
    Sequential made(Linear(inputs, kThreadedWidth), ReLU());
    if (dropout > 0) {
      made->push_back(torch::nn::Dropout(dropout));
    }
    return made;
  };
}

std::string threaded_task(int64_t task) {
  return "task " + std::to_string(task);
}

struct ThreadedKind {
  std::string name;
  std::function<std::shared_ptr<Sharing>(double)> make;
};

void PrintTo(const ThreadedKind& kind, std::ostream* stream) {
  *stream << kind.name;
}

std::vector<ThreadedKind> threaded_kinds() {
  return {
      {"HardSharing",
       [](double dropout) {
         return HardSharing(threaded_layers(kThreadedInputs, dropout)()).ptr();
       }},
      {"MMoE",
       [](double dropout) {
         return MMoE(MMoEOptions(
                         kThreadedInputs,
                         threaded_layers(kThreadedInputs, dropout))
                         .experts(4))
             .ptr();
       }},
      {"CGC",
       [](double dropout) {
         return CGC(ExpertLevelOptions(
                        kThreadedInputs,
                        threaded_layers(kThreadedInputs, dropout)))
             .ptr();
       }},
      {"PLE",
       [](double dropout) {
         return PLE(PLEOptions(
                        {ExpertLevelOptions(
                             kThreadedInputs,
                             threaded_layers(kThreadedInputs, dropout)),
                         ExpertLevelOptions(
                             kThreadedWidth,
                             threaded_layers(kThreadedWidth, dropout))}))
             .ptr();
       }},
      {"CrossStitch",
       [](double dropout) {
         return CrossStitch(StageFactories{
                                threaded_layers(kThreadedInputs, dropout),
                                threaded_layers(kThreadedWidth, dropout)})
             .ptr();
       }},
  };
}

struct ThreadedRun {
  std::vector<torch::Tensor> losses;
  std::vector<torch::Tensor> parameters;
};

ThreadedRun run_with(
    const ThreadedKind& kind,
    const std::string& method,
    double dropout,
    int threads) {
  const Threads of_libtorch(threads);
  torch::manual_seed(5);
  MultiTaskModel model(kind.make(dropout));
  for (int64_t t = 0; t < kThreadedTasks; ++t) {
    Sequential head(
        Linear(kThreadedWidth, kThreadedWidth),
        ReLU(),
        Linear(kThreadedWidth, 1));
    model->add_task(threaded_task(t), Task(head, MSELoss()));
  }
  JointTrainingOptions options;
  if (!method.empty()) {
    options.balancing(balancing::make(method));
  }
  JointTraining joint(model, torch::optim::SGDOptions(0.1), options);
  ThreadedRun run;
  for (int step = 0; step < 3; ++step) {
    torch::Tensor input = torch::randn({kThreadedRows, kThreadedInputs});
    Batch::Targets targets;
    for (int64_t t = 0; t < kThreadedTasks; ++t) {
      targets.push_back({threaded_task(t), input.narrow(1, t, 1).sin()});
    }
    run.losses.push_back(joint.step(Batch(input, targets)).losses.clone());
  }
  for (const auto& parameter : model->parameters()) {
    run.parameters.push_back(parameter.detach().clone());
  }
  return run;
}

class ThreadedSteps : public ::testing::TestWithParam<
                          std::tuple<ThreadedKind, std::string, double>> {};

TEST_P(ThreadedSteps, AreThoseOfOneThread) {
  const auto& [kind, method, dropout] = GetParam();
  const ThreadedRun alone = run_with(kind, method, dropout, 1);
  const ThreadedRun shared = run_with(kind, method, dropout, 3);
  for (size_t i = 0; i < alone.losses.size(); ++i) {
    EXPECT_TRUE(alone.losses[i].allclose(shared.losses[i], 1e-5)) << i;
  }
  for (size_t i = 0; i < alone.parameters.size(); ++i) {
    EXPECT_TRUE(alone.parameters[i].allclose(shared.parameters[i], 1e-4, 1e-5))
        << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    ThreadedSteps,
    ::testing::Combine(
        ::testing::ValuesIn(threaded_kinds()),
        ::testing::Values("", "pcgrad", "upgrad"),
        ::testing::Values(0.0, 0.25)),
    [](const auto& given) {
      const std::string method = std::get<1>(given.param);
      return std::get<0>(given.param).name + (method.empty() ? "sum" : method) +
          (std::get<2>(given.param) > 0 ? "drawing" : "");
    });

// One BatchNorm without parameters in two towers, whose statistics both write.
TEST(ThreadedSteps, AreTakenByOneWhereTowersShareBuffers) {
  torch::nn::BatchNorm1d norm(
      torch::nn::BatchNorm1dOptions(kThreadedWidth).affine(false));
  MultiTaskModel model{HardSharing(threaded_layers(kThreadedInputs, 0)())};
  for (const char* task : {"a", "b"}) {
    Sequential tower(Linear(kThreadedWidth, kThreadedWidth), norm);
    tower->push_back(Linear(kThreadedWidth, 1));
    model->add_task(task, Task(tower, MSELoss()));
  }
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  EXPECT_NE(joint.route().route, Route::kTrunkProgram);
  EXPECT_NE(joint.route().reason.find("share a"), std::string::npos)
      << joint.route().reason;
}

TEST(ThreadedSteps, NameTheExpertThatCannotTakeTheInput) {
  const Threads of_libtorch(2);
  int made = 0;
  MultiTaskModel model(
      MMoE(MMoEOptions(
               kThreadedInputs,
               [&made]() -> Network {
                 return Sequential(
                     Linear(kThreadedInputs + (made++ == 2), kThreadedWidth));
               })
               .experts(4))
          .ptr());
  model->add_task("a", Task(Linear(kThreadedWidth, 1), MSELoss()));
  model->add_task("b", Task(Linear(kThreadedWidth, 1), MSELoss()));
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  const auto before = model->parameters()[0].clone();
  try {
    joint.step(Batch(
        torch::randn({kThreadedRows, kThreadedInputs}),
        {{"a", torch::randn({kThreadedRows, 1})},
         {"b", torch::randn({kThreadedRows, 1})}}));
    FAIL() << "took it";
  } catch (const std::exception& error) {
    EXPECT_NE(
        std::string(error.what()).find("MMoE: an expert cannot take"),
        std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(model->parameters()[0].equal(before));
}

} // namespace
} // namespace polytask
