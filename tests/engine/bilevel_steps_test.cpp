// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/bilevel_balancing.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

// Joint steps with a bilevel balancing; what the methods compute is in
// tests/balancing.

namespace polytask {
namespace {

using balancing::BilevelBalancing;
using testing::error_of;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::says;
using testing::snapshot;

std::vector<Batch> shared_batches(int64_t count) {
  std::vector<Batch> batches;
  for (int64_t i = 0; i < count; ++i) {
    batches.push_back(make_shared_batch());
  }
  return batches;
}

bool same_state(const balancing::State& a, const balancing::State& b) {
  return a.size() == b.size() &&
      std::all_of(a.begin(), a.end(), [&](const auto& entry) {
           const auto found = b.find(entry.first);
           return found != b.end() && torch::equal(entry.second, found->second);
         });
}

class BilevelSteps : public ::testing::TestWithParam<const char*> {
 protected:
  JointTraining training(
      const torch::optim::OptimizerOptions& optimizer =
          torch::optim::SGDOptions(0.1)) {
    return JointTraining(
        model,
        optimizer,
        JointTrainingOptions().balancing(
            balancing::make(GetParam(), {{"outer_lr", 0.1}})));
  }
  std::vector<Batch> batches(JointTraining& joint) {
    return shared_batches(joint.balancing()->batches());
  }

  MultiTaskModel model = make_shared_model();
};

TEST_P(BilevelSteps, LowerTheLosses) {
  auto joint = training(torch::optim::AdamOptions(0.01));
  // A function of the input.
  const auto input = torch::randn({32, 5});
  const Batch batch(
      input,
      {{"a", input.narrow(1, 0, 1)},
       {"b", torch::tanh(input.narrow(1, 1, 2))},
       {"c", -input.narrow(1, 3, 1)}});
  const std::vector<Batch> all(
      static_cast<size_t>(joint.balancing()->batches()), batch);
  const auto first = joint.step(all);
  StepReport last;
  for (int step = 0; step < 200; ++step) {
    last = joint.step(all);
  }
  EXPECT_EQ(last.step, 201);
  EXPECT_LT(
      last.losses.sum().item<double>(),
      0.5 * first.losses.sum().item<double>());
  EXPECT_NEAR(last.weights.sum().item<double>(), 1, 1e-6);
}

TEST_P(BilevelSteps, LeaveNoTraceOfTheirTrials) {
  auto joint = training(torch::optim::SGDOptions(0.0));
  const auto before = snapshot(model);
  joint.step(batches(joint));
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

TEST_P(BilevelSteps, RefuseALossThatIsNotFiniteAndChangeNothing) {
  auto joint = training();
  joint.step(batches(joint));
  const auto before = snapshot(model);
  const auto state = joint.balancing()->state();
  for (size_t bad = 0; bad < batches(joint).size(); ++bad) {
    auto all = batches(joint);
    all[bad] = Batch(
        torch::randn({4, 5}),
        {{"a", torch::randn({4, 1})},
         {"b", torch::full({4, 2}, std::numeric_limits<float>::infinity())},
         {"c", torch::randn({4, 1})}});
    EXPECT_TRUE(says(
        error_of([&] { joint.step(all); }), {"Task 'b'", "the loss is inf"}))
        << "batch " << bad;
    EXPECT_TRUE(same_bits(before, snapshot(model)));
    EXPECT_TRUE(same_state(state, joint.balancing()->state()));
  }
  EXPECT_EQ(joint.steps(), 1);
}

TEST_P(BilevelSteps, SayHowManyBatchesTheyNeed) {
  auto joint = training();
  const auto count = std::to_string(joint.balancing()->batches());
  EXPECT_TRUE(says(
      error_of([&] { joint.step(make_shared_batch()); }),
      {GetParam(), "needs " + count}));
  EXPECT_TRUE(says(
      error_of([&] { joint.step(shared_batches(5)); }),
      {GetParam(), "needs " + count, "got 5"}));
}

Batch batch_without_b() {
  return Batch(
      torch::randn({4, 5}),
      {{"a", torch::randn({4, 1})}, {"c", torch::randn({4, 1})}});
}

TEST_P(BilevelSteps, WantTheSameTasksInAllBatches) {
  auto joint = training();
  auto all = batches(joint);
  all[1] = batch_without_b();
  EXPECT_TRUE(says(error_of([&] { joint.step(all); }), {"same tasks", "'b'"}));
}

std::vector<torch::Tensor> copies_of(std::vector<torch::Tensor> tensors) {
  for (auto& tensor : tensors) {
    tensor = tensor.detach().clone();
  }
  return tensors;
}

TEST_P(BilevelSteps, LeaveOutTasksThatNoBatchHas) {
  auto joint = training();
  const std::vector<Batch> all(
      static_cast<size_t>(joint.balancing()->batches()), batch_without_b());
  const auto before = joint.balancing()->state().at("logits").clone();
  const auto own = copies_of(model->task_parameters("b"));
  const auto report = joint.step(all);
  EXPECT_EQ(report.weights[1].item<double>(), 0);
  EXPECT_EQ(report.losses[1].item<double>(), 0);
  const auto after = joint.balancing()->state().at("logits");
  EXPECT_TRUE(torch::equal(after[1], before[1]));
  EXPECT_TRUE(same_bits(own, copies_of(model->task_parameters("b"))));
}

TEST_P(BilevelSteps, KnowParametersThatDoNotLearn) {
  model->freeze("b");
  const auto frozen = model->task_parameters("b");
  const auto before = frozen[0].detach().clone();
  auto joint = training();
  joint.step(batches(joint));
  EXPECT_TRUE(torch::equal(before, frozen[0]));
}

TEST_P(BilevelSteps, CountABatchNormsStatisticsOnce) {
  const torch::nn::BatchNorm1d norm(8);
  model = MultiTaskModel(
      HardSharing(torch::nn::Sequential(torch::nn::Linear(5, 8), norm)));
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", LinearTask(8, 2));
  model->add_task("c", LinearTask(8, 1));
  auto joint = training();
  joint.step(batches(joint));
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 1);
}

TEST_P(BilevelSteps, RefuseOptionsThatTheyHaveNoUseFor) {
  const auto made = [&](const JointTrainingOptions& options) {
    return error_of([&] {
      JointTraining(
          model,
          torch::optim::SGDOptions(0.1),
          JointTrainingOptions(options).balancing(balancing::make(GetParam())));
    });
  };
  EXPECT_TRUE(says(
      made(JointTrainingOptions().route(Route::kLayerGramian)),
      {GetParam(), to_string(Route::kLayerGramian)}));
  EXPECT_TRUE(says(
      made(JointTrainingOptions().head_gradients(HeadGradients::kUnweighted)),
      {GetParam(), "head_gradients"}));
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    BilevelSteps,
    ::testing::Values("moml", "auto_lambda", "forum"),
    [](const auto& each) { return std::string(each.param); });

TEST(BilevelReport, HasTheLossesAndWeightsOfTheUpdate) {
  MultiTaskModel model = make_shared_model();
  model->task("b").weight(0.5);
  JointTraining joint(
      model,
      torch::optim::SGDOptions(0.1),
      JointTrainingOptions().balancing(balancing::make("moml")));
  const std::vector<Batch> all = shared_batches(3);
  torch::Tensor expected;
  {
    torch::NoGradGuard no_grad;
    const auto& labels = all[2].part("a").labels;
    expected =
        model->loss(0, model->sharing().features_of(all[2].input(), 0), labels);
  }
  const auto report = joint.step(all);
  EXPECT_TRUE(torch::allclose(report.losses[0], expected));
  const auto& method = dynamic_cast<BilevelBalancing&>(*joint.balancing());
  const auto weights = method.weights();
  EXPECT_NEAR(report.weights[0].item<double>(), weights[0], 1e-6);
  EXPECT_NEAR(report.weights[1].item<double>(), 0.5 * weights[1], 1e-6);
  EXPECT_EQ(joint.route().route, Route::kAutograd);
}

TEST(BilevelRates, MustBeOneForAutoLambda) {
  MultiTaskModel model = make_shared_model();
  const auto options = [](balancing::OptionValues values) {
    return JointTrainingOptions()
        .learning_rates(LearningRates().shared(0.01))
        .balancing(balancing::make("auto_lambda", values));
  };
  JointTraining joint(model, torch::optim::SGDOptions(0.1), options({}));
  const auto all = shared_batches(3);
  EXPECT_TRUE(says(
      error_of([&] { joint.step(all); }),
      {"auto_lambda", "0.01", "0.1", "model_lr"}));
  JointTraining own(
      model, torch::optim::SGDOptions(0.1), options({{"model_lr", 0.05}}));
  EXPECT_EQ(error_of([&] { own.step(all); }), "");
}

} // namespace
} // namespace polytask
