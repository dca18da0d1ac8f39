// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/learning_to_branch.h>

#include <gtest/gtest.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/task/linear_task.h>
#include <polytask/training/joint_training.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <cmath>
#include <set>
#include <sstream>

#include "sharing/uniform_at.h"
#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::says;
using torch::nn::Linear;

class CountedLayerImpl : public torch::nn::LinearImpl {
 public:
  using LinearImpl::LinearImpl;
  torch::Tensor forward(const torch::Tensor& input) {
    ++calls;
    return LinearImpl::forward(input);
  }
  int calls = 0;
};
TORCH_MODULE(CountedLayer);

// 5 -> 4 -> 4 -> 3, past the warm-up unless it is asked for.
LearningToBranch branching(
    const LearningToBranchOptions& options,
    const std::vector<std::string>& tasks = {"a", "b", "c"},
    bool warm_up = false) {
  LearningToBranch sharing(
      StageFactories{
          [] { return CountedLayer(5, 4); },
          [] { return CountedLayer(4, 4); },
          [] { return CountedLayer(4, 3); }},
      options);
  sharing->serve(tasks);
  if (!warm_up) {
    sharing->end_epoch();
  }
  return sharing;
}

void set_logits(LearningToBranch& sharing, size_t i, const torch::Tensor& to) {
  const torch::NoGradGuard no_grad;
  sharing->logits()[i].copy_(to);
}

// The task whose module of the first stage feeds each: that makes its number.
struct DrawnParents {
  DrawnParents()
      : sharing(
            StageFactories{
                [number = -1]() mutable {
                  Linear numbered(1, 1);
                  const torch::NoGradGuard no_grad;
                  numbered->weight.zero_();
                  numbered->bias.fill_(++number);
                  return numbered;
                },
                [] { return torch::nn::Identity(); }},
            LearningToBranchOptions(20)) {
    sharing->serve({"a", "b", "c"});
    sharing->end_epoch();
  }

  std::vector<int64_t> operator()() {
    std::vector<int64_t> parents;
    for (const auto& own : sharing->features(torch::zeros({1, 1}), 3)) {
      parents.push_back(std::lround(own.item<double>()));
    }
    return parents;
  }

  LearningToBranch sharing;
};

TEST(LearningToBranch, SumsAllModulesInTheWarmUp) {
  auto sharing = branching(100, {"a", "b"}, /*warm_up=*/true);
  EXPECT_TRUE(sharing->is_warming_up());
  const auto x = torch::randn({2, 5});
  torch::Tensor sum = x;
  for (int64_t i = 0; i < 2; ++i) {
    sum = sharing->stage(0, i).forward(sum) + sharing->stage(1, i).forward(sum);
  }
  const auto expected = sharing->stage(1, 2).forward(sum);
  EXPECT_TRUE(
      torch::allclose(sharing->features_of(x, 1), expected, 1e-5, 1e-6));
  sharing->eval();
  EXPECT_TRUE(
      torch::allclose(sharing->features_of(x, 1), expected, 1e-5, 1e-6));
}

TEST(LearningToBranch, WarmsUpForAHundredthOfTheEpochs) {
  auto sharing = branching(250, {"a"}, /*warm_up=*/true);
  int64_t warm = 0;
  while (sharing->is_warming_up()) {
    sharing->end_epoch();
    ++warm;
  }
  EXPECT_EQ(warm, 3); // 0, 1 and 2 are less than 2.5
}

TEST(LearningToBranch, CoolsWithTheEpochs) {
  auto sharing = branching(40, {"a"}, /*warm_up=*/true);
  EXPECT_DOUBLE_EQ(sharing->temperature(), 2);
  for (int i = 0; i < 3; ++i) {
    sharing->end_epoch();
  }
  EXPECT_DOUBLE_EQ(sharing->temperature(), 1);
}

TEST(LearningToBranch, FollowsTheLargestLogitsInEvalMode) {
  auto sharing = branching(40);
  set_logits(
      sharing,
      0,
      torch::tensor({0., 5., 1., 0., 0., 0., 2., 2., 2.}).view({3, 3}));
  set_logits(
      sharing,
      1,
      torch::tensor({0., 0., 3., 4., 0., 0., 7., 0., 7.}).view({3, 3}));
  EXPECT_EQ(
      sharing->branches(),
      (std::vector<std::vector<int64_t>>{{1, 1, 2}, {2, 0, 2}}));
  sharing->eval();
  const auto x = torch::randn({2, 5});
  const auto features = sharing->features(x, 3);
  // Module 1 of the middle stage feeds nobody.
  const auto calls = [&](int64_t task, int64_t stage) {
    return sharing->stage(task, stage).as<CountedLayer>()->calls;
  };
  EXPECT_EQ(calls(0, 0), 0);
  EXPECT_EQ(calls(1, 0), 1);
  EXPECT_EQ(calls(2, 0), 1);
  EXPECT_EQ(calls(1, 1), 0);
  EXPECT_TRUE(torch::equal(
      features[1],
      sharing->stage(1, 2).forward(
          sharing->stage(0, 1).forward(sharing->stage(1, 0).forward(x)))));
  EXPECT_TRUE(torch::equal(sharing->features_of(x, 1), features[1]));
}

TEST(LearningToBranch, DrawsOnceAStep) {
  auto sharing = branching(40);
  EXPECT_TRUE(sharing->draws());
  const auto x = torch::randn({2, 5});
  int changes = 0;
  for (int i = 0; i < 10; ++i) {
    sharing->begin_step();
    const auto now = sharing->features(x, 3);
    EXPECT_TRUE(torch::equal(sharing->features(x, 3)[2], now[2]));
    EXPECT_TRUE(torch::allclose(sharing->features_of(x, 2), now[2]));
    sharing->begin_step();
    changes += torch::allclose(sharing->features_of(x, 2), now[2]) ? 0 : 1;
  }
  EXPECT_GT(changes, 3);
}

TEST(LearningToBranch, DrawsByTheSeedAndTheStepAlone) {
  const auto drawn = [](uint64_t seed) {
    torch::manual_seed(5);
    auto sharing = branching(LearningToBranchOptions(40).seed(seed));
    torch::manual_seed(6 + seed);
    std::vector<torch::Tensor> all;
    for (int i = 0; i < 5; ++i) {
      sharing->begin_step();
      all.push_back(sharing->features_of(torch::ones({1, 5}), 0).detach());
    }
    return torch::cat(all);
  };
  EXPECT_TRUE(torch::equal(drawn(1), drawn(1)));
  EXPECT_FALSE(torch::allclose(drawn(1), drawn(2)));
}

TEST(LearningToBranch, DrawsAsOftenAsTheSoftmaxSays) {
  DrawnParents parents;
  set_logits(
      parents.sharing,
      0,
      torch::tensor({0., 0., 0., 0., 1., 2., 3., 0., 0.}).view({3, 3}));
  const auto expected = parents.sharing->mixing_weights()[0];
  EXPECT_EQ(expected.name, "logits.0");
  torch::Tensor counts = torch::zeros({3, 3});
  const int draws = 3000;
  for (int i = 0; i < draws; ++i) {
    parents.sharing->begin_step();
    const auto now = parents();
    for (int64_t t = 0; t < 3; ++t) {
      counts[t][now[static_cast<size_t>(t)]] += 1;
    }
  }
  // Four standard deviations.
  EXPECT_TRUE(torch::allclose(counts / draws, expected.values, 0, 0.037));
}

TEST(LearningToBranch, DrawsNumbersThatAreUniform) {
  std::set<double> seen;
  double sum = 0, squares = 0;
  for (int64_t step = 0; step < 100; ++step) {
    for (int64_t place = 0; place < 100; ++place) {
      const double own = detail::uniform_at(9, {step, 0, place});
      ASSERT_GT(own, 0);
      ASSERT_LT(own, 1);
      seen.insert(own);
      sum += own;
      squares += own * own;
    }
  }
  EXPECT_EQ(seen.size(), 10000);
  EXPECT_NEAR(sum / 10000, 0.5, 0.012);
  EXPECT_NEAR(squares / 10000, 1. / 3, 0.012);
  EXPECT_NE(detail::uniform_at(9, {0, 1}), detail::uniform_at(9, {1, 0}));
}

TEST(LearningToBranch, TeachesItsLogits) {
  auto sharing = branching(40);
  sharing->begin_step();
  const auto gradients = torch::autograd::grad(
      {sharing->features_of(torch::randn({2, 5}), 1).sum()}, sharing->logits());
  EXPECT_GT(gradients[0].abs().sum().item<double>(), 0);
  EXPECT_GT(gradients[1][1].abs().sum().item<double>(), 0);
  EXPECT_EQ(gradients[1][0].abs().sum().item<double>(), 0);
}

TEST(LearningToBranch, TakesUniformsFromOutside) {
  DrawnParents parents;
  torch::Tensor uniforms = torch::full({1, 3, 3}, 0.5);
  uniforms[0][0][2] = 0.9;
  uniforms[0][1][0] = 0.9;
  uniforms[0][2][1] = 0.9;
  parents.sharing->set_uniforms(uniforms);
  EXPECT_EQ(parents(), (std::vector<int64_t>{2, 0, 1}));
  parents.sharing->begin_step();
  EXPECT_EQ(parents(), (std::vector<int64_t>{2, 0, 1}));
  parents.sharing->set_uniforms({});
  std::set<std::vector<int64_t>> seen;
  for (int i = 0; i < 8; ++i) {
    parents.sharing->begin_step();
    seen.insert(parents());
  }
  EXPECT_GT(seen.size(), 1);
}

MultiTaskModel branching_model(bool warm_up = false) {
  MultiTaskModel model(branching(40, {}, warm_up));
  model->add_task("a", LinearTask(3, 1));
  model->add_task("b", LinearTask(3, 1));
  return model;
}

LearningToBranchImpl& branching_of(const MultiTaskModel& model) {
  return dynamic_cast<LearningToBranchImpl&>(model->sharing());
}

Batch branching_batch() {
  const auto x = torch::randn({8, 5});
  return Batch(x, {{"a", x.narrow(1, 0, 1)}, {"b", x.narrow(1, 1, 1)}});
}

TEST(LearningToBranch, CountsStepsAndEpochsOfATraining) {
  MultiTaskModel model = branching_model(/*warm_up=*/true);
  JointTraining joint(model, torch::optim::SGDOptions(0.01));
  const Batch batch = branching_batch();
  joint.step(batch);
  joint.run(batch, 2);
  EXPECT_EQ(branching_of(model).steps(), 3);
  EXPECT_EQ(branching_of(model).epochs(), 0);
  joint.end_epoch();
  EXPECT_EQ(branching_of(model).epochs(), 1);
}

TEST(LearningToBranch, DoesNotCountAStepThatThrows) {
  MultiTaskModel model = branching_model();
  JointTraining joint(model, torch::optim::SGDOptions(0.01));
  joint.step(branching_batch());
  {
    const torch::NoGradGuard no_grad;
    model->task("a").head().module()->parameters()[0].fill_(INFINITY);
  }
  EXPECT_FALSE(error_of([&] { joint.step(branching_batch()); }).empty());
  EXPECT_EQ(branching_of(model).steps(), 1);
}

TEST(LearningToBranch, GoesOnAsIfItHadNotBeenSaved) {
  const Batch batch = branching_batch();
  MultiTaskModel model = branching_model(), other = branching_model();
  JointTraining(model, torch::optim::SGDOptions(0.1)).run(batch, 3);
  std::stringstream stream;
  torch::save(model, stream);
  torch::load(other, stream);
  EXPECT_EQ(branching_of(other).steps(), 3);
  EXPECT_EQ(branching_of(other).epochs(), 1);
  JointTraining(model, torch::optim::SGDOptions(0.1)).run(batch, 4);
  JointTraining(other, torch::optim::SGDOptions(0.1)).run(batch, 4);
  EXPECT_TRUE(
      testing::same_bits(testing::snapshot(model), testing::snapshot(other)));
}

TEST(LearningToBranch, CountsExactlyInHalfPrecision) {
  auto sharing = branching(40);
  for (int i = 0; i < 2049; ++i) { // half precision cannot count that far
    sharing->begin_step();
  }
  sharing->to(torch::kHalf);
  EXPECT_EQ(sharing->steps(), 2049);
  sharing->begin_step();
  EXPECT_EQ(sharing->steps(), 2050);
  EXPECT_EQ(sharing->logits()[0].scalar_type(), torch::kHalf);
  EXPECT_EQ(sharing->named_buffers()["steps"].scalar_type(), torch::kLong);
}

TEST(LearningToBranch, KeepsTrainedLogitsWhenATaskIsAdded) {
  auto sharing = branching(40, {"a", "b"});
  set_logits(sharing, 0, torch::tensor({1., 2., 3., 4.}).view({2, 2}));
  sharing->serve({"a", "b", "c"});
  EXPECT_TRUE(torch::equal(
      sharing->logits()[0].detach(),
      torch::tensor({1.F, 2.F, 0.F, 3.F, 4.F, 0.F, 0.F, 0.F, 0.F})
          .view({3, 3})));
  EXPECT_TRUE(torch::equal(sharing->logits()[1], torch::zeros({3, 3})));
}

TEST(LearningToBranch, TakesStagesThatWorkInPlace) {
  LearningToBranch sharing(
      StageFactories{
          [] { return Linear(5, 4); },
          [] {
            return torch::nn::Sequential(
                torch::nn::ReLU(torch::nn::ReLUOptions(true)), Linear(4, 3));
          }},
      10);
  sharing->serve({"a", "b"});
  sharing->end_epoch();
  set_logits(sharing, 0, torch::tensor({1., 0., 1., 0.}).view({2, 2}));
  const auto x = torch::randn({2, 5});
  for (const bool trains : {true, false}) {
    sharing->train(trains);
    const auto all = sharing->features(x, 2);
    EXPECT_TRUE(torch::allclose(all[1], sharing->features_of(x, 1)));
    (all[0] + all[1]).sum().backward();
  }
}

TEST(LearningToBranch, HasNothingToLearnWithOneStage) {
  LearningToBranch sharing(
      StageFactories{[] { return CountedLayer(5, 3); }}, 10);
  sharing->serve({"a", "b"});
  sharing->end_epoch();
  EXPECT_TRUE(sharing->logits().empty());
  const auto x = torch::randn({2, 5});
  EXPECT_TRUE(torch::equal(
      sharing->features_of(x, 1), sharing->stage(1, 0).forward(x)));
  EXPECT_EQ(sharing->stage(0, 0).as<CountedLayer>()->calls, 0);
}

TEST(LearningToBranch, NamesWhatItCannotTake) {
  EXPECT_TRUE(says(
      error_of([] { LearningToBranch(StageFactories{}, 10); }),
      {"LearningToBranch", "at least one stage"}));
  EXPECT_TRUE(says(
      error_of([] { branching(0); }),
      {"LearningToBranch", "at least 1 epoch", "got 0"}));
  auto sharing = branching(40, {"a", "b"});
  EXPECT_TRUE(says(
      error_of([&] { sharing->set_uniforms(torch::rand({2, 3, 3})); }),
      {"LearningToBranch", "[2, 2, 2]", "[2, 3, 3]"}));
  EXPECT_TRUE(says(
      error_of([&] { sharing->set_uniforms(torch::ones({2, 2, 2})); }),
      {"LearningToBranch", "(0, 1)"}));
  sharing->set_uniforms(torch::full({2, 2, 2}, 0.5));
  sharing->serve({"a", "b", "c"});
  EXPECT_TRUE(says(
      error_of([&] { sharing->features(torch::randn({2, 5}), 3); }),
      {"uniforms for 3 tasks", "for 2"}));
}

TEST(LearningToBranch, NamesTheTasksWhoseModulesDifferInShape) {
  LearningToBranch sharing(
      StageFactories{
          [made = 3]() mutable { return Linear(5, ++made); },
          [] { return Linear(4, 3); }},
      10);
  sharing->serve({"a", "b"});
  EXPECT_TRUE(says(
      error_of([&] { sharing->features(torch::randn({2, 5}), 2); }),
      {"LearningToBranch", "stage 0", "'a' [2, 4]", "'b' [2, 5]"}));
}

TEST(LearningToBranch, LeavesInEvalModeWhatIsMadeInIt) {
  LearningToBranch sharing(
      StageFactories{[] {
        torch::nn::Sequential layers(torch::nn::BatchNorm1d(5), Linear(5, 3));
        layers->children()[0]->eval();
        return layers;
      }},
      10);
  sharing->serve({"a", "b"});
  const auto layers = sharing->stage(1, 0).as<torch::nn::Sequential>();
  EXPECT_FALSE(layers->children()[0]->is_training());
  EXPECT_TRUE(layers->children()[1]->is_training());
  const auto copy =
      std::dynamic_pointer_cast<LearningToBranchImpl>(sharing->clone());
  EXPECT_FALSE(copy->stage(1, 0).module()->children()[0]->is_training());
}

TEST(LearningToBranch, PrintsItsOptions) {
  std::ostringstream text;
  branching(40)->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::LearningToBranch(stages=3, epochs=40)");
}

} // namespace
} // namespace polytask
