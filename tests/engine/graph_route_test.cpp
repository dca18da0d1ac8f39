// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "src/engine/step_graph.h"
#include "tests/support/devices.h"
#include "tests/support/networks.h"
#include "tests/support/stand_in_device.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;
using testing::twin_of;

struct GraphCalls {
  int warm_ups = 0;
  int records = 0;
  int replays = 0;
  /// What recording throws; nothing if empty.
  std::string refusal;
};

GraphCalls graph_calls;

// A recording does not do the work, a replay does, as on a device.
class FakeStepGraph : public detail::StepGraph {
 public:
  static std::unique_ptr<StepGraph> make(at::Device) {
    return std::make_unique<FakeStepGraph>();
  }
  void warm_up(const std::function<void()>& step) override {
    ++graph_calls.warm_ups;
    step();
  }
  void record(std::function<void()> step) override {
    ++graph_calls.records;
    if (!graph_calls.refusal.empty()) {
      throw std::runtime_error(graph_calls.refusal);
    }
    step_ = std::move(step);
  }
  void replay() override {
    ++graph_calls.replays;
    step_();
  }
  std::unique_ptr<StepGraph> another() const override {
    return std::make_unique<FakeStepGraph>();
  }

 private:
  std::function<void()> step_;
};

class GraphRoute : public ::testing::Test {
 protected:
  void SetUp() override {
    graph_calls = GraphCalls();
    detail::register_step_graph(at::kCPU, &FakeStepGraph::make);
    torch::manual_seed(0);
  }
  void TearDown() override {
    detail::register_step_graph(at::kCPU, nullptr);
  }
};

// By autograd, which is all there is on other devices.
template <typename Options>
Options by_autograd(bool device_graph) {
  return Options().route(Route::kAutograd).device_graph(device_graph);
}

JointTraining joint_with_graph(
    const MultiTaskModel& model,
    const torch::optim::OptimizerOptions& optimizer,
    bool device_graph = true) {
  return JointTraining(
      model, optimizer, by_autograd<JointTrainingOptions>(device_graph));
}

void set_graph_rate(torch::optim::Optimizer& optimizer, double rate) {
  for (auto& group : optimizer.param_groups()) {
    group.options().set_lr(rate);
  }
}

Batch rows_of_shared_batch(int64_t rows) {
  return Batch(
      torch::randn({rows, 5}),
      {{"a", torch::randn({rows, 1})},
       {"b", torch::randn({rows, 2})},
       {"c", torch::randn({rows, 1})}});
}

std::vector<torch::Tensor> graph_gradients(const MultiTaskModel& model) {
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : model->unique_parameters()) {
    gradients.push_back(
        parameter.grad().defined() ? parameter.grad() : torch::Tensor());
  }
  return gradients;
}

// The graph's steps and those of a twin without, one after the other.
template <typename Training>
class GraphPair {
 public:
  template <typename Options>
  GraphPair(const torch::optim::OptimizerOptions& optimizer, Options options)
      : model(make_shared_model()),
        twin(twin_of(model)),
        with(model, optimizer, Options(options).device_graph(true)),
        without(twin, optimizer, Options(options).device_graph(false)) {}

  // Whether losses, parameters and gradients are the same to the last bit.
  void step(const Batch& batch) {
    const StepReport expected = without.step(batch);
    const StepReport report = with.step(batch);
    EXPECT_EQ(report.task, expected.task);
    EXPECT_TRUE(torch::equal(report.losses, expected.losses));
    EXPECT_TRUE(torch::equal(report.weights, expected.weights));
    EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
    const auto own = graph_gradients(model);
    const auto others = graph_gradients(twin);
    for (size_t i = 0; i < own.size(); ++i) {
      ASSERT_EQ(own[i].defined(), others[i].defined());
      EXPECT_TRUE(!own[i].defined() || torch::equal(own[i], others[i]));
    }
  }

  MultiTaskModel model;
  MultiTaskModel twin;
  Training with;
  Training without;
};

class GraphRouteOptimizers : public GraphRoute,
                             public ::testing::WithParamInterface<std::string> {
 protected:
  static std::unique_ptr<torch::optim::OptimizerOptions> optimizer() {
    if (GetParam() == "sgd") {
      return std::make_unique<torch::optim::SGDOptions>(
          torch::optim::SGDOptions(0.05).momentum(0.9).dampening(0.1));
    }
    if (GetParam() == "adam") {
      return std::make_unique<torch::optim::AdamOptions>(
          torch::optim::AdamOptions(0.01).amsgrad(true));
    }
    return std::make_unique<torch::optim::AdamWOptions>(0.01);
  }
};

TEST_P(GraphRouteOptimizers, TakesTheStepsOfAutogradJointly) {
  GraphPair<JointTraining> pair(
      *optimizer(), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 50; ++i) {
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.warm_ups, 3);
  EXPECT_EQ(graph_calls.records, 1);
  EXPECT_EQ(graph_calls.replays, 47);
  EXPECT_EQ(pair.with.route().route, Route::kAutograd);
  EXPECT_EQ(pair.with.route().reason, "on a CUDA graph");
}

TEST_P(GraphRouteOptimizers, TakesTheStepsOfAutogradAlternately) {
  GraphPair<AlternatingTraining> pair(
      *optimizer(), by_autograd<AlternatingTrainingOptions>(true));
  for (int i = 0; i < 50; ++i) {
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.warm_ups, 9);
  EXPECT_EQ(graph_calls.records, 3);
  EXPECT_EQ(graph_calls.replays, 41);
}

INSTANTIATE_TEST_SUITE_P(
    Optimizers,
    GraphRouteOptimizers,
    ::testing::Values("sgd", "adam", "adamw"),
    [](const auto& each) { return each.param; });

TEST_F(GraphRoute, TakesClippedAndWeightedSteps) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1),
      by_autograd<JointTrainingOptions>(true).clipping(
          Clipping::by_norm(0.01)));
  for (auto* model : {&pair.model, &pair.twin}) {
    (*model)->task("b").weight(0.3);
  }
  for (int i = 0; i < 10; ++i) {
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.replays, 7);
}

TEST_F(GraphRoute, RunsOnOneBatch) {
  const MultiTaskModel model = make_shared_model();
  const MultiTaskModel twin = twin_of(model);
  const Batch batch = make_shared_batch();
  JointTraining joint = joint_with_graph(model, torch::optim::SGDOptions(0.1));
  const StepReport report = joint.run(batch, 20);
  const StepReport expected =
      joint_with_graph(twin, torch::optim::SGDOptions(0.1), false)
          .run(batch, 20);
  EXPECT_EQ(report.step, 20);
  EXPECT_TRUE(torch::equal(report.losses, expected.losses));
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
  EXPECT_EQ(graph_calls.replays, 17);
}

TEST_F(GraphRoute, TakesInputsOfTheTasksOwn) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 10; ++i) {
    pair.step(Batch::per_task(
        {{"a", torch::randn({4, 5}), torch::randn({4, 1})},
         {"c", torch::randn({7, 5}), torch::randn({7, 1})}}));
  }
  EXPECT_EQ(graph_calls.replays, 7);
}

TEST_F(GraphRoute, TellsTasksOfOneInputFromTasksOfTwo) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 10; ++i) {
    const auto first = torch::randn({4, 5});
    const auto second = torch::randn({4, 5});
    for (const auto& of_b : {first, second}) {
      pair.step(Batch::per_task(
          {{"a", first, torch::randn({4, 1})},
           {"b", of_b, torch::randn({4, 2})},
           {"c", second, torch::randn({4, 1})}}));
    }
  }
  EXPECT_EQ(graph_calls.records, 2);
  EXPECT_EQ(graph_calls.replays, 14);
}

TEST_F(GraphRoute, KeepsAGraphForEachNumberOfRows) {
  GraphPair<JointTraining> pair(
      torch::optim::AdamOptions(0.01), by_autograd<JointTrainingOptions>(true));
  for (int epoch = 0; epoch < 6; ++epoch) {
    pair.step(rows_of_shared_batch(8));
    pair.step(rows_of_shared_batch(8));
    pair.step(rows_of_shared_batch(3));
  }
  EXPECT_EQ(graph_calls.warm_ups, 6);
  EXPECT_EQ(graph_calls.records, 2);
  EXPECT_EQ(graph_calls.replays, 12);
}

TEST_F(GraphRoute, TakesMissingLabelsOfOneNumber) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 10; ++i) {
    auto target = torch::randn({8, 2});
    target[i % 8][i % 2] = std::numeric_limits<float>::quiet_NaN();
    pair.step(Batch(
        torch::randn({8, 5}), {{"a", torch::randn({8, 1})}, {"b", target}}));
  }
  EXPECT_EQ(graph_calls.records, 1);
  EXPECT_EQ(graph_calls.replays, 7);
}

TEST_F(GraphRoute, RestsWhereTheNumberOfMissingLabelsKeepsChanging) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 10; ++i) {
    auto target = torch::randn({8, 2});
    target.slice(0, 0, 1 + i % 3) = std::numeric_limits<float>::quiet_NaN();
    pair.step(Batch(torch::randn({8, 5}), {{"b", target}}));
  }
  EXPECT_EQ(graph_calls.records, 0);
  EXPECT_EQ(
      pair.with.route().reason,
      "the number of missing labels changes too often for a CUDA graph");
}

TEST_F(GraphRoute, RecordsAnewWhereARateWasChanged) {
  GraphPair<JointTraining> pair(
      torch::optim::AdamOptions(0.01), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 40; ++i) {
    if (i % 20 == 10) {
      set_graph_rate(pair.with.optimizer(), 0.2 / i);
      set_graph_rate(pair.without.optimizer(), 0.2 / i);
    }
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.warm_ups, 5);
  EXPECT_EQ(graph_calls.records, 3);
  EXPECT_EQ(graph_calls.replays, 35);
}

TEST_F(GraphRoute, MakesAMomentumThatWasSwitchedOnLateByAStep) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 20; ++i) {
    if (i == 10) {
      for (auto* training : {&pair.with, &pair.without}) {
        static_cast<torch::optim::SGDOptions&>(
            training->optimizer().param_groups()[0].options())
            .momentum(0.9);
      }
    }
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.warm_ups, 4);
}

TEST_F(GraphRoute, RecordsAnewWhereTheOptimizerWasLoaded) {
  GraphPair<JointTraining> pair(
      torch::optim::AdamOptions(0.01), by_autograd<JointTrainingOptions>(true));
  std::stringstream saved;
  for (int i = 0; i < 30; ++i) {
    if (i == 10) {
      torch::serialize::OutputArchive archive;
      pair.without.optimizer().save(archive);
      archive.save_to(saved);
    }
    if (i == 20) {
      for (auto* training : {&pair.with, &pair.without}) {
        saved.seekg(0);
        torch::serialize::InputArchive archive;
        archive.load_from(saved);
        training->optimizer().load(archive);
      }
    }
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.records, 2);
}

TEST_F(GraphRoute, RecordsAnewWhereATaskWasFrozen) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 20; ++i) {
    if (i == 10) {
      pair.model->freeze("b");
      pair.twin->freeze("b");
    }
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.records, 2);
}

TEST_F(GraphRoute, RestsWhileARateChangesAtEachStep) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 20; ++i) {
    set_graph_rate(pair.with.optimizer(), 0.1 / (1 + i));
    set_graph_rate(pair.without.optimizer(), 0.1 / (1 + i));
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.records, 0);
  EXPECT_EQ(
      pair.with.route().reason,
      "the learning rate changes too often for a CUDA graph");
  for (int i = 0; i < 10; ++i) {
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(pair.with.route().reason, "on a CUDA graph");
}

TEST_F(GraphRoute, LosesNothingWhereTheDeviceCannotRecord) {
  graph_calls.refusal = "no such thing while recording\nmore of it";
  GraphPair<JointTraining> pair(
      torch::optim::AdamOptions(0.01), by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 10; ++i) {
    pair.step(make_shared_batch());
  }
  EXPECT_EQ(graph_calls.records, 1);
  EXPECT_EQ(
      pair.with.route().reason,
      "a CUDA graph cannot record this step: no such thing while recording");
}

TEST_F(GraphRoute, LeavesEarlierReportsAlone) {
  JointTraining joint =
      joint_with_graph(make_shared_model(), torch::optim::SGDOptions(0.1));
  const Batch batch = make_shared_batch();
  joint.run(batch, 4);
  const StepReport early = joint.step(batch);
  const auto losses = early.losses.clone();
  const StepReport late = joint.step(batch);
  EXPECT_TRUE(torch::equal(early.losses, losses));
  EXPECT_FALSE(torch::equal(late.losses, losses));
  late.weights.zero_();
  EXPECT_EQ(joint.step(batch).weights.sum().item<float>(), 3);
}

TEST_F(GraphRoute, DoesNotMindGradientsThatWereReset) {
  GraphPair<JointTraining> pair(
      torch::optim::SGDOptions(0.1).momentum(0.9),
      by_autograd<JointTrainingOptions>(true));
  for (int i = 0; i < 10; ++i) {
    pair.step(make_shared_batch());
    pair.model->zero_grad();
  }
  EXPECT_EQ(graph_calls.replays, 7);
}

TEST_F(GraphRoute, TakesNoOptimizerOfTheUsers) {
  const MultiTaskModel model = make_shared_model();
  torch::optim::SGD optimizer(model->unique_parameters(), 0.1);
  JointTraining joint(
      model, optimizer, by_autograd<JointTrainingOptions>(true));
  joint.run(make_shared_batch(), 5);
  EXPECT_EQ(graph_calls.warm_ups, 0);
  EXPECT_EQ(joint.route().reason, "the optimizer is the user's own");
}

TEST_F(GraphRoute, TakesNoLossThatItDoesNotKnow) {
  MultiTaskModel model;
  model->add_task(
      "a", Task(LinearTask(5, 1), [](const auto& output, const auto& target) {
        return (output - target).square().mean();
      }));
  JointTraining joint = joint_with_graph(model, torch::optim::SGDOptions(0.1));
  joint.run(Batch(torch::randn({8, 5}), {{"a", torch::randn({8, 1})}}), 5);
  EXPECT_EQ(graph_calls.warm_ups, 0);
  EXPECT_EQ(
      joint.route().reason,
      "task 'a': nobody knows whether its loss can be recorded");
}

TEST_F(GraphRoute, IsNotTakenWhereItIsSwitchedOff) {
  JointTraining joint = joint_with_graph(
      make_shared_model(), torch::optim::SGDOptions(0.1), false);
  joint.run(make_shared_batch(), 5);
  EXPECT_EQ(graph_calls.warm_ups, 0);
  EXPECT_EQ(joint.route().reason, "device_graph was not asked for");
}

TEST_F(GraphRoute, IsNotSpokenOfWhereNobodyRecords) {
  detail::register_step_graph(at::kCPU, nullptr);
  JointTraining joint =
      joint_with_graph(make_shared_model(), torch::optim::SGDOptions(0.1));
  joint.run(make_shared_batch(), 5);
  EXPECT_EQ(joint.route().reason, "it was asked for");
}

class GraphRouteOnDevice : public testing::EachDevice {
 protected:
  void SetUp() override {
    EachDevice::SetUp();
    if (GetParam() == "cuda" && testing::StandInDevice::is_registered()) {
      GTEST_SKIP() << "the stand-in device has no graphs";
    }
  }
  template <typename Training, typename Options>
  void expect_close(const torch::optim::OptimizerOptions& optimizer) {
    torch::manual_seed(0);
    MultiTaskModel model = make_shared_model();
    model->to(device());
    const MultiTaskModel twin = twin_of(model);
    Training with(model, optimizer, by_autograd<Options>(true));
    Training without(twin, optimizer, by_autograd<Options>(false));
    for (int i = 0; i < 50; ++i) {
      const Batch batch =
          rows_of_shared_batch(i % 10 == 4 ? 5 : 16).to(device());
      const StepReport report = with.step(batch);
      const StepReport expected = without.step(batch);
      EXPECT_TRUE(torch::allclose(report.losses, expected.losses, 1e-4, 1e-5));
    }
    const auto own = snapshot(model);
    const auto others = snapshot(twin);
    for (size_t i = 0; i < own.size(); ++i) {
      EXPECT_TRUE(torch::allclose(own[i], others[i], 1e-3, 1e-4));
    }
    if (device().is_cuda()) {
      EXPECT_EQ(with.route().reason, "on a CUDA graph");
    }
  }
};

TEST_P(GraphRouteOnDevice, TakesJointStepsOfSGD) {
  expect_close<JointTraining, JointTrainingOptions>(
      torch::optim::SGDOptions(0.05).momentum(0.9));
}

TEST_P(GraphRouteOnDevice, TakesJointStepsOfAdam) {
  expect_close<JointTraining, JointTrainingOptions>(
      torch::optim::AdamOptions(0.01));
}

TEST_P(GraphRouteOnDevice, TakesAlternatingStepsOfAdamW) {
  expect_close<AlternatingTraining, AlternatingTrainingOptions>(
      torch::optim::AdamWOptions(0.01));
}

POLYTASK_ON_EACH_DEVICE(GraphRouteOnDevice);

} // namespace
} // namespace polytask
