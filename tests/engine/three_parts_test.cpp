// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/balancing/make.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

// zero_grad, backward and update, and what a refused step leaves.

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::same_bits;
using testing::snapshot;
using torch::nn::Linear;

// How a training gets its gradients.
struct PartsWay {
  std::string name;
  std::string method;
  Route route = Route::kAuto;
  bool alternates = false;
  bool clips = false;
  // "layers", "norm" (with BatchNorm), "none" (nothing shared).
  std::string kind = "layers";
};

std::ostream& operator<<(std::ostream& stream, const PartsWay& way) {
  return stream << way.name;
}

MultiTaskModel make_parts_model(const std::string& kind) {
  torch::manual_seed(21);
  MultiTaskModel model;
  int64_t width = 5;
  if (kind != "none") {
    torch::nn::Sequential trunk(Linear(5, 8));
    if (kind == "norm") {
      trunk->push_back(torch::nn::BatchNorm1d(8));
    }
    trunk->push_back(torch::nn::Tanh());
    model = MultiTaskModel{HardSharing(trunk)};
    width = 8;
  }
  model->add_task("a", Task(Linear(width, 1), MSELoss()));
  model->add_task("b", Task(Linear(width, 2), MSELoss()).weight(0.5));
  model->add_task("c", Task(Linear(width, 1), HuberLoss(0.5)));
  return model;
}

Batch make_parts_batch(uint64_t seed) {
  torch::manual_seed(seed);
  return Batch(
      torch::randn({16, 5}),
      {{"a", torch::randn({16, 1})},
       {"b", torch::randn({16, 2})},
       {"c", torch::randn({16, 1})}});
}

std::unique_ptr<Training> make_parts_training(
    const PartsWay& way, const MultiTaskModel& model) {
  const auto adam = torch::optim::AdamOptions(0.02).weight_decay(0.01);
  const auto clipping = way.clips ? Clipping::by_norm(0.01) : Clipping();
  if (way.alternates) {
    return std::make_unique<AlternatingTraining>(
        model,
        adam,
        AlternatingTrainingOptions().route(way.route).clipping(clipping));
  }
  auto options = JointTrainingOptions().route(way.route).clipping(clipping);
  if (!way.method.empty()) {
    options.balancing(balancing::make(way.method));
  }
  return std::make_unique<JointTraining>(model, adam, options);
}

std::vector<torch::Tensor> gradients_of(const MultiTaskModel& model) {
  std::vector<torch::Tensor> all;
  for (const auto& parameter : model->unique_parameters()) {
    all.push_back(
        parameter.grad().defined() ? parameter.grad().clone()
                                   : torch::zeros_like(parameter));
  }
  return all;
}

std::vector<torch::Tensor> buffers_of(const MultiTaskModel& model) {
  std::vector<torch::Tensor> all;
  for (const auto& buffer : model->buffers()) {
    all.push_back(buffer.clone());
  }
  return all;
}

class ThreeParts : public ::testing::TestWithParam<PartsWay> {
 protected:
  bool keeps_state() {
    return training->balancing() && training->balancing()->keeps_state();
  }
  // The gradients of a batch by themselves.
  std::vector<torch::Tensor> alone(const Batch& batch) {
    training->zero_grad();
    training->backward(batch);
    auto found = gradients_of(model);
    training->zero_grad();
    return found;
  }

  MultiTaskModel model = make_parts_model(GetParam().kind);
  std::unique_ptr<Training> training = make_parts_training(GetParam(), model);
};

TEST_P(ThreeParts, AreAStep) {
  const MultiTaskModel other = make_parts_model(GetParam().kind);
  const auto whole = make_parts_training(GetParam(), other);
  for (uint64_t seed = 1; seed < 6; ++seed) {
    const Batch batch = make_parts_batch(seed);
    const StepReport left = whole->step(batch);
    training->zero_grad();
    const StepReport right = training->backward(batch);
    EXPECT_EQ(right.step, left.step);
    EXPECT_EQ(right.task, left.task);
    EXPECT_TRUE(torch::equal(left.losses, right.losses));
    EXPECT_TRUE(torch::equal(left.weights, right.weights));
    EXPECT_EQ(training->steps(), whole->steps() - 1);
    EXPECT_EQ(training->route().route, whole->route().route);
    EXPECT_EQ(training->route().reason, whole->route().reason);
    training->update();
    EXPECT_EQ(training->steps(), whole->steps());
  }
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(other)));
  EXPECT_TRUE(same_bits(buffers_of(model), buffers_of(other)));
}

TEST_P(ThreeParts, MoveNothingBeforeTheUpdate) {
  training->step(make_parts_batch(1));
  const auto before = snapshot(model);
  training->zero_grad();
  training->backward(make_parts_batch(2));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  training->update();
  EXPECT_FALSE(same_bits(before, snapshot(model)));
}

TEST_P(ThreeParts, AddToWhatIsThere) {
  if (keeps_state() || GetParam().alternates ||
      GetParam().method == "graddrop") {
    GTEST_SKIP() << "other gradients at each backward";
  }
  const auto first = alone(make_parts_batch(1));
  const auto second = alone(make_parts_batch(2));
  const auto third = alone(make_parts_batch(3));
  training->backward(make_parts_batch(1));
  training->backward(make_parts_batch(2));
  training->backward(make_parts_batch(3));
  const auto all = gradients_of(model);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(
        torch::allclose(all[i], first[i] + second[i] + third[i], 1e-5, 1e-7))
        << i;
  }
}

TEST_P(ThreeParts, AddToTheGradientsOfAStep) {
  if (keeps_state() || GetParam().alternates || GetParam().clips) {
    GTEST_SKIP() << "other gradients at each backward";
  }
  const Batch batch = make_parts_batch(1);
  training->step(batch);
  const auto of_step = gradients_of(model);
  const auto second = [&] {
    const MultiTaskModel twin = make_parts_model(GetParam().kind);
    const auto other = make_parts_training(GetParam(), twin);
    other->step(batch);
    other->zero_grad();
    other->backward(make_parts_batch(2));
    return gradients_of(twin);
  }();
  training->backward(make_parts_batch(2));
  const auto all = gradients_of(model);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(torch::allclose(all[i], of_step[i] + second[i], 1e-5, 1e-7))
        << i;
  }
}

TEST_P(ThreeParts, KeepTheUsersGradients) {
  if (GetParam().alternates) {
    GTEST_SKIP() << "another task at each backward";
  }
  const MultiTaskModel twin = make_parts_model(GetParam().kind);
  const auto other = make_parts_training(GetParam(), twin);
  other->backward(make_parts_batch(1));
  const auto expected = gradients_of(twin);
  const auto parameters = model->unique_parameters();
  std::vector<torch::Tensor> users;
  for (const auto& parameter : parameters) {
    users.push_back(torch::full_like(parameter, 3).detach());
    parameter.mutable_grad() = users.back();
  }
  // One value that stands for all cannot be added to in place.
  parameters[0].mutable_grad() =
      torch::full({}, 3, users[0].options()).expand_as(users[0]);
  training->backward(make_parts_batch(1));
  for (size_t i = 0; i < parameters.size(); ++i) {
    const torch::Tensor now = parameters[i].grad();
    EXPECT_TRUE(i == 0 || now.is_same(users[i])); // as autograd does
    EXPECT_TRUE(torch::allclose(now, expected[i] + 3, 1e-5, 1e-6)) << i;
  }
}

TEST_P(ThreeParts, LeaveGradientsAndBuffersWhereABackwardThrows) {
  training->zero_grad();
  training->backward(make_parts_batch(1));
  training->update();
  const auto gradients = gradients_of(model);
  const auto buffers = buffers_of(model);
  const Batch good = make_parts_batch(2);
  const Batch bad(
      good.input(),
      {{"a", torch::full({16, 1}, std::numeric_limits<float>::infinity())},
       {"b", torch::full({16, 2}, std::numeric_limits<float>::infinity())},
       {"c", torch::full({16, 1}, std::numeric_limits<float>::infinity())}});
  EXPECT_THAT(
      error_of([&] { training->backward(bad); }), HasSubstr("the loss is inf"));
  EXPECT_TRUE(same_bits(gradients, gradients_of(model)));
  EXPECT_TRUE(same_bits(buffers, buffers_of(model)));
  EXPECT_EQ(training->steps(), 1);
}

TEST_P(ThreeParts, RefuseASecondBackwardOfAMethodThatLearns) {
  training->backward(make_parts_batch(1));
  if (!keeps_state()) {
    EXPECT_NO_THROW(training->backward(make_parts_batch(2)));
    return;
  }
  const auto before = gradients_of(model);
  EXPECT_THAT(
      error_of([&] { training->backward(make_parts_batch(2)); }),
      HasSubstr("update() has to come between"));
  EXPECT_TRUE(same_bits(before, gradients_of(model)));
  training->update();
  EXPECT_NO_THROW(training->backward(make_parts_batch(2)));
  training->zero_grad();
  EXPECT_NO_THROW(training->backward(make_parts_batch(2)));
}

std::vector<PartsWay> parts_ways() {
  std::vector<PartsWay> ways;
  for (const std::string kind : {"layers", "norm", "none"}) {
    const std::string suffix = kind == "layers" ? ""
        : kind == "norm"                        ? "Norm"
                                                : "NothingShared";
    const auto add = [&](const std::string& name, PartsWay way) {
      way.name = name + suffix;
      way.kind = kind;
      ways.push_back(way);
    };
    const auto add_method = [&](const std::string& method) {
      add(method, {"", method});
      add(method + "Autograd", {"", method, Route::kAutograd});
    };
    add("Plain", {});
    add("Autograd", {"", "", Route::kAutograd});
    add("Clipped", {"", "", Route::kAuto, false, true});
    add("Alternating", {"", "", Route::kAuto, true});
    add("AlternatingAutograd", {"", "", Route::kAutograd, true});
    for (const char* method : {"uw", "dwa", "famo"}) {
      add_method(method);
    }
    if (kind == "none") {
      continue;
    }
    for (const char* method :
         {"upgrad", "nash_mtl", "config", "graddrop", "moco"}) {
      add_method(method);
    }
    add("upgradClipped", {"", "upgrad", Route::kAuto, false, true});
  }
  ways.push_back({"Stacked", "", Route::kStackedHeads});
  ways.push_back({"Batched", "upgrad", Route::kBatchedJacobian});
  ways.push_back({"Streamed", "upgrad", Route::kStreamedGramian});
  ways.push_back({"LayerGramian", "upgrad", Route::kLayerGramian});
  return ways;
}

INSTANTIATE_TEST_SUITE_P(
    Ways, ThreeParts, ::testing::ValuesIn(parts_ways()), [](const auto& each) {
      return each.param.name;
    });

// Refused steps.

class RefusedStep : public ::testing::TestWithParam<PartsWay> {
 protected:
  void expect_unchanged(const Batch& bad) {
    const MultiTaskModel model = make_parts_model("norm");
    const auto training = make_parts_training(GetParam(), model);
    training->step(make_parts_batch(1));
    const auto parameters = snapshot(model);
    const auto buffers = buffers_of(model);
    EXPECT_NE(error_of([&] { training->step(bad); }), "");
    EXPECT_NE(error_of([&] { training->run(bad, 3); }), "");
    EXPECT_TRUE(same_bits(parameters, snapshot(model)));
    EXPECT_TRUE(same_bits(buffers, buffers_of(model)));
    EXPECT_EQ(training->steps(), 1);
    training->step(make_parts_batch(1));
    EXPECT_TRUE(torch::isfinite(buffers_of(model)[0]).all().item<bool>());
  }
};

TEST_P(RefusedStep, OfAnInfiniteInputLeavesRunningStatistics) {
  const Batch good = make_parts_batch(2);
  torch::Tensor x = good.input().clone();
  x[3][1] = std::numeric_limits<float>::infinity();
  expect_unchanged(Batch(
      x,
      {{"a", good.part("a").labels.target()},
       {"b", good.part("b").labels.target()},
       {"c", good.part("c").labels.target()}}));
}

TEST_P(RefusedStep, OfAWrongTargetLeavesRunningStatistics) {
  const Batch good = make_parts_batch(2);
  expect_unchanged(Batch(
      good.input(),
      {{"a", torch::randn({16, 3})},
       {"b", torch::randn({16, 3})},
       {"c", torch::randn({16, 3})}}));
}

std::vector<PartsWay> refused_ways() {
  std::vector<PartsWay> ways{
      {"Plain", ""},
      {"PlainAutograd", "", Route::kAutograd},
      {"Alternating", "", Route::kAuto, true}};
  for (const std::string method : {"uw", "famo", "upgrad", "graddrop"}) {
    ways.push_back({method, method});
    ways.push_back({method + "Autograd", method, Route::kAutograd});
  }
  return ways;
}

INSTANTIATE_TEST_SUITE_P(
    Ways,
    RefusedStep,
    ::testing::ValuesIn(refused_ways()),
    [](const auto& each) { return each.param.name; });

TEST(FamosSecondLook, CountsNoBatch) {
  for (const Route route : {Route::kAuto, Route::kAutograd}) {
    const PartsWay way{"famo", "famo", route, false, false, "norm"};
    const MultiTaskModel model = make_parts_model("norm");
    MultiTaskModel other = make_parts_model("norm");
    const auto famo = make_parts_training(way, model);
    famo->step(make_parts_batch(1));
    other->forward(make_parts_batch(1).input());
    EXPECT_TRUE(same_bits(buffers_of(model), buffers_of(other)));
  }
}

// `step({batch})` is `step(batch)`, and the batch need not live on.
TEST(FamosSecondLook, IsAtTheBatchOfItsOwnStep) {
  const PartsWay way{"famo", "famo"};
  const MultiTaskModel model = make_parts_model("layers");
  const MultiTaskModel other = make_parts_model("layers");
  const auto one = make_parts_training(way, model);
  const auto listed = make_parts_training(way, other);
  for (uint64_t seed = 1; seed < 5; ++seed) {
    one->step(make_parts_batch(seed));
    dynamic_cast<JointTraining&>(*listed).step(
        std::vector<Batch>{make_parts_batch(seed)});
  }
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(other)));
}

TEST(LossesWithoutAGraph, TeachNothing) {
  for (const std::string method : {"sum", "uw", "upgrad", "config"}) {
    for (const Route route : {Route::kAuto, Route::kAutograd}) {
      MultiTaskModel model{HardSharing(Linear(5, 8))};
      model->add_task("a", Task(Linear(8, 1), MSELoss()));
      model->add_task(
          "b",
          Task(
              Linear(8, 1), [](const torch::Tensor& y, const torch::Tensor& t) {
                return (y.detach() - t).abs().mean();
              }));
      JointTraining joint(
          model,
          torch::optim::SGDOptions(0.1),
          JointTrainingOptions().route(route).balancing(
              balancing::make(method)));
      const auto before = snapshot(model);
      joint.step(Batch(torch::randn({4, 5}), {{"b", torch::randn({4, 1})}}));
      EXPECT_TRUE(same_bits(before, snapshot(model))) << method;
    }
  }
}

// A loss that throws when it is asked for the second time.
TEST(FamosSecondLook, ThrowsNothingAfterTheUpdate) {
  MultiTaskModel model{HardSharing(Linear(5, 8))};
  int calls = 0;
  model->add_task(
      "a",
      Task(Linear(8, 1), [&](const torch::Tensor& y, const torch::Tensor& t) {
        TORCH_CHECK(++calls < 2, "once is enough");
        return (y - t).square().mean();
      }));
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().balancing(balancing::make("famo")));
  const auto before = snapshot(model);
  joint.step(Batch(torch::randn({4, 5}), {{"a", torch::randn({4, 1})}}));
  EXPECT_FALSE(same_bits(before, snapshot(model)));
  EXPECT_EQ(joint.steps(), 1);
}

} // namespace
} // namespace polytask
