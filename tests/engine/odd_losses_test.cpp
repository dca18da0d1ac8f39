// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/simple.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>

#include "tests/support/errors.h"
#include "tests/support/says.h"
#include "tests/support/twin.h"

// Losses that say they look at outputs alone, and are odd besides.

namespace polytask {

namespace {

class LossOfOutputs : public LossFunction {
 public:
  void pretty_print(std::ostream& stream) const override {
    stream << "LossOfOutputs()";
  }

 protected:
  LossForm own_form() const override {
    return LossForm::of<LossOfOutputs>(LossForm::Kind::kOfOutputs);
  }
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override {
    TORCH_CHECK_VALUE(
        labels.target()[0].item<double>() < 100, "a label is too large");
    return output.detach().square().mean(); // nothing to learn from
  }
};

Batch batch_of(double label) {
  torch::manual_seed(4);
  const auto x = torch::randn({12, 5});
  return Batch(
      x,
      {{"a", torch::full({12, 1}, label)},
       {"b", torch::randn({12, 1})},
       {"c", torch::randn({12, 1})}});
}

MultiTaskModel model_of(MultiTaskModel model, int64_t width) {
  using torch::nn::Linear;
  torch::manual_seed(5);
  const torch::nn::Sequential deep(
      Linear(width, 3), torch::nn::Tanh(), Linear(3, 1));
  model->add_task("a", Task(Linear(width, 1), LossOfOutputs()));
  model->add_task("b", Task(Linear(width, 1), MSELoss()));
  model->add_task("c", Task(deep, MSELoss()));
  return model;
}

MultiTaskModel behind_a_trunk() {
  torch::manual_seed(6);
  const torch::nn::Sequential trunk(torch::nn::Linear(5, 7), torch::nn::Tanh());
  return model_of(MultiTaskModel(HardSharing(trunk)), 7);
}

void expect_like_autograd(const MultiTaskModel& model, const char* method) {
  const auto twin = testing::twin_of(model);
  const auto step = [&](const MultiTaskModel& each, Route route) {
    auto options = JointTrainingOptions().route(route);
    if (*method != '\0') {
      options.balancing(balancing::make(method));
    }
    JointTraining joint(
        each, torch::optim::SGDOptions(0.1).momentum(0.9), options);
    joint.step(batch_of(1));
    joint.step(batch_of(1));
    return joint.route().route;
  };
  EXPECT_EQ(step(twin, Route::kAutograd), Route::kAutograd);
  EXPECT_NE(step(model, Route::kAuto), Route::kAutograd);
  const auto expected = twin->named_parameters();
  for (const auto& entry : model->named_parameters()) {
    const auto& other = expected[entry.key()];
    EXPECT_EQ(entry.value().grad().defined(), other.grad().defined())
        << entry.key();
    EXPECT_TRUE(torch::allclose(entry.value(), other, 1e-5, 1e-6))
        << entry.key();
  }
}

TEST(LossWithoutAGraph, TeachesItsOwnTaskNothing) {
  expect_like_autograd(model_of(MultiTaskModel(), 5), "");
  expect_like_autograd(behind_a_trunk(), "");
  expect_like_autograd(behind_a_trunk(), "upgrad");
}

TEST(LossThatThrows, CountsTheDrawOnEveryRoute) {
  const auto drawn = [](Route route) {
    AlternatingTraining training(
        model_of(MultiTaskModel(), 5),
        torch::optim::SGDOptions(0.1),
        AlternatingTrainingOptions().sampler(RoundRobinSampler()).route(route));
    std::string tasks;
    EXPECT_NE(testing::error_of([&] { training.step(batch_of(1000)); }), "");
    for (int step = 0; step < 4; ++step) {
      tasks += training.step(batch_of(1)).task;
    }
    return tasks;
  };
  EXPECT_EQ(drawn(Route::kAuto), "bcab");
  EXPECT_EQ(drawn(Route::kAutograd), "bcab");
}

class OfTwoDtypes : public Sharing {
 public:
  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t /*tasks*/) override {
    return {features_of(input, 0), features_of(input, 1)};
  }
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override {
    return input.to(task == 0 ? torch::kFloat : torch::kDouble);
  }
};

TEST(HeadsOfTwoDtypes, AreNotStackedEvenIfThatIsAskedFor) {
  MultiTaskModel model{std::make_shared<OfTwoDtypes>()};
  model->add_task("a", Task(torch::nn::Linear(5, 1), MSELoss()));
  torch::nn::Linear wide(5, 1);
  wide->to(torch::kDouble);
  model->add_task("b", Task(wide, MSELoss()));
  const Batch batch(
      torch::randn({6, 5}),
      {{"a", torch::ones({6, 1})}, {"b", torch::ones({6, 1}, torch::kDouble)}});
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  joint.step(batch);
  EXPECT_EQ(joint.route().route, Route::kAutograd);
  JointTraining forced(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().route(Route::kStackedHeads));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { forced.step(batch); }),
      {"stacked heads", "several dtypes"}));
}

TEST(FactorOfThePositive, IsReadAnewFromATensorOfTheUsers) {
  for (const auto route : {Route::kAuto, Route::kAutograd}) {
    torch::Tensor factor = torch::tensor(2.0);
    MultiTaskModel model;
    model->add_task(
        "a",
        Task(
            torch::nn::Linear(5, 1),
            BCEWithLogitsLoss(BCEWithLogitsLossOptions().pos_weight(factor))));
    JointTraining joint(
        model,
        torch::optim::SGDOptions(0),
        JointTrainingOptions().route(route));
    const Batch batch(torch::randn({6, 5}), {{"a", torch::ones({6, 1})}});
    const double before = joint.step(batch).losses.item<double>();
    factor.fill_(20);
    EXPECT_NEAR(
        joint.step(batch).losses.item<double>(), 10 * before, 1e-4 * before);
  }
}

} // namespace

} // namespace polytask
