// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// What every sharing that makes modules for its tasks promises.
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/cross_stitch.h>
#include <polytask/sharing/learning_to_branch.h>
#include <polytask/sharing/mtan.h>
#include <polytask/sharing/soft_sharing.h>
#include <polytask/task/linear_task.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/cuda.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <cmath>
#include <functional>
#include <set>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using torch::nn::Linear;
using torch::nn::Sequential;
using torch::nn::Tanh;

// From [B, 5] to [B, 3].
struct SharingKind {
  const char* name;
  std::function<std::shared_ptr<Sharing>()> make;
};

StageFactories two_tanh_stages() {
  return {
      [] { return Sequential(Linear(5, 4), Tanh()); },
      [] { return Sequential(Linear(4, 3), Tanh()); }};
}

Network trunk_of_two() {
  return Sequential(Linear(5, 4), Tanh(), Linear(4, 3), Tanh());
}

std::vector<SharingKind> sharing_kinds() {
  return {
      {"CrossStitch", [] { return CrossStitch(two_tanh_stages()).ptr(); }},
      {"CrossStitchPerChannel",
       [] {
         return CrossStitch(
                    two_tanh_stages(), CrossStitchOptions().per_channel({4, 3}))
             .ptr();
       }},
      {"CrossStitchNotAfterLast",
       [] {
         return CrossStitch(
                    two_tanh_stages(),
                    CrossStitchOptions().stitch_after_last(false))
             .ptr();
       }},
      {"SoftSharing", [] { return SoftSharing(trunk_of_two).ptr(); }},
      {"SoftSharingByTraceNorm",
       [] {
         return SoftSharing(
                    trunk_of_two,
                    SoftSharingOptions()
                        .distance(SoftSharingDistance::kTraceNorm)
                        .trunks_are_shared(false))
             .ptr();
       }},
      {"MTAN",
       [] {
         return MTAN(
                    std::vector<MTANStage>{
                        MTANStage(Linear(5, 4), Linear(4, 6), 4, 6),
                        MTANStage(Linear(6, 5), Linear(5, 3), 5, 3)},
                    MTANOptions().features(MTANFeatures::kDense))
             .ptr();
       }},
      {"LearningToBranchInItsWarmUp",
       [] { return LearningToBranch(two_tanh_stages(), 20).ptr(); }},
      {"LearningToBranch",
       [] {
         LearningToBranch sharing(two_tanh_stages(), 20);
         sharing->end_epoch();
         return sharing.ptr();
       }},
  };
}

Task double_head() {
  LinearTask head(LinearTaskOptions(3, 1).init(LinearInit::kLinear));
  head->to(torch::kDouble);
  return head;
}

MultiTaskModel oddly_served(const SharingKind& kind) {
  MultiTaskModel model(kind.make());
  for (const char* task : {"a b", "class", "ß"}) {
    model->add_task(task, double_head());
  }
  model->to(torch::kDouble);
  return model;
}

Batch named_batch(const MultiTaskModel& model) {
  Batch::Targets targets;
  const auto x = torch::randn({16, 5}, torch::kDouble);
  int64_t column = 0;
  for (const auto& task : model->task_names()) {
    targets.emplace_back(task, x.narrow(1, column++, 1).tanh());
  }
  return Batch(x, targets);
}

std::vector<torch::Tensor> state_tensors(const torch::nn::Module& module) {
  auto all = module.parameters();
  const auto buffers = module.buffers();
  all.insert(all.end(), buffers.begin(), buffers.end());
  return all;
}

bool nearly_same(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::allclose(a, b, 1e-12, 1e-12);
}

class OwnModules : public ::testing::TestWithParam<SharingKind> {
 protected:
  void SetUp() override {
    torch::manual_seed(7);
    model_ = oddly_served(GetParam());
    model_->sharing().begin_step();
    x_ = torch::randn({6, 5}, torch::kDouble);
  }
  Sharing& sharing() {
    return model_->sharing();
  }

  MultiTaskModel model_ = nullptr;
  torch::Tensor x_;
};

TEST_P(OwnModules, GiveOneTaskWhatTheyGiveAll) {
  for (const bool trains : {true, false}) {
    model_->train(trains);
    const auto all = sharing().features(x_, 3);
    ASSERT_EQ(all.size(), 3);
    for (int64_t t = 0; t < 3; ++t) {
      EXPECT_TRUE(nearly_same(
          sharing().features_of(x_, t), all[static_cast<size_t>(t)]));
    }
  }
}

TEST_P(OwnModules, UseTheParametersThatGetAGradient) {
  for (const bool trains : {true, false}) {
    model_->train(trains);
    const auto all = sharing().parameters();
    for (int64_t t = 0; t < 3; ++t) {
      std::set<const void*> used, reached;
      for (const auto& own : sharing().used_parameters(t)) {
        used.insert(own.unsafeGetTensorImpl());
      }
      const auto gradients = torch::autograd::grad(
          {sharing().features_of(x_, t).square().sum()},
          all,
          {},
          {},
          false,
          true);
      for (size_t i = 0; i < all.size(); ++i) {
        if (gradients[i].defined()) {
          reached.insert(all[i].unsafeGetTensorImpl());
        }
      }
      EXPECT_EQ(used, reached) << t;
    }
  }
}

TEST_P(OwnModules, OfATaskAreSharedOnlyWithItself) {
  std::set<const void*> seen;
  for (int64_t t = 0; t < 3; ++t) {
    for (const auto& own : sharing().task_parameters(t)) {
      EXPECT_TRUE(seen.insert(own.unsafeGetTensorImpl()).second);
    }
  }
}

TEST_P(OwnModules, AreClonedDeeply) {
  model_->parameters().front().requires_grad_(false);
  MultiTaskModel copy = clone(model_);
  EXPECT_EQ(copy->named_parameters().keys(), model_->named_parameters().keys());
  EXPECT_EQ(copy->named_buffers().keys(), model_->named_buffers().keys());
  const auto own = state_tensors(*model_), twin = state_tensors(*copy);
  ASSERT_TRUE(testing::same_bits(own, twin));
  for (size_t i = 0; i < own.size(); ++i) {
    EXPECT_NE(own[i].data_ptr(), twin[i].data_ptr());
    EXPECT_EQ(own[i].requires_grad(), twin[i].requires_grad());
  }
  EXPECT_TRUE(torch::equal(
      copy->forward_task(x_, "class"), model_->forward_task(x_, "class")));
  EXPECT_EQ(copy->sharing().tasks(), model_->task_names());
  copy->add_task("later", double_head());
  EXPECT_EQ(copy->forward(x_).size(), 4);
}

TEST_P(OwnModules, AreSavedAndLoaded) {
  JointTraining(model_, torch::optim::SGDOptions(0.1))
      .run(named_batch(model_), 3);
  std::stringstream stream;
  torch::save(model_, stream);
  MultiTaskModel other = oddly_served(GetParam());
  ASSERT_FALSE(
      testing::same_bits(state_tensors(*other), state_tensors(*model_)));
  torch::load(other, stream);
  EXPECT_TRUE(
      testing::same_bits(state_tensors(*other), state_tensors(*model_)));
  EXPECT_TRUE(torch::equal(
      other->forward_task(x_, "ß"), model_->forward_task(x_, "ß")));
}

TEST_P(OwnModules, OfLaterTasksAreLikeThoseThatAreThere) {
  model_->eval();
  model_->add_task("later", double_head());
  for (const auto& parameter : sharing().parameters()) {
    EXPECT_EQ(parameter.scalar_type(), torch::kDouble);
    EXPECT_TRUE(parameter.requires_grad());
  }
  for (const auto& module : sharing().modules()) {
    EXPECT_FALSE(module->is_training());
  }
  EXPECT_EQ(model_->forward(x_).size(), 4);
  EXPECT_TRUE(nearly_same(
      model_->forward_task(x_, "later"), *model_->forward(x_).find("later")));
}

TEST_P(OwnModules, ServeOneTaskAlone) {
  MultiTaskModel model(GetParam().make());
  model->add_task("only", double_head());
  model->to(torch::kDouble);
  EXPECT_EQ(model->forward(x_)["only"].sizes(), (std::vector<int64_t>{6, 1}));
  JointTraining(model, torch::optim::SGDOptions(0.1)).step(named_batch(model));
}

TEST_P(OwnModules, GetTheGradientsOfAutograd) {
  const Batch batch = named_batch(model_);
  MultiTaskModel twin = clone(model_);
  JointTraining joint(model_, torch::optim::SGDOptions(0.1));
  joint.backward(batch);
  twin->sharing().begin_step();
  torch::Tensor sum = torch::zeros({}, torch::kDouble);
  const auto features = twin->features(batch.parts()[0].inputs);
  std::vector<int64_t> tasks;
  for (const auto& part : batch.parts()) {
    const int64_t t = twin->index(part.task);
    tasks.push_back(t);
    sum = sum + twin->loss(t, features[static_cast<size_t>(t)], part.labels);
  }
  if (const auto own = twin->sharing().own_loss(tasks); own.defined()) {
    sum = sum + own;
  }
  sum.backward();
  const auto given = model_->parameters(), expected = twin->parameters();
  for (size_t i = 0; i < given.size(); ++i) {
    ASSERT_EQ(given[i].grad().defined(), expected[i].grad().defined());
    if (given[i].grad().defined()) {
      EXPECT_TRUE(nearly_same(given[i].grad(), expected[i].grad()));
    }
  }
}

TEST_P(OwnModules, Learn) {
  const Batch batch = named_batch(model_);
  JointTraining joint(model_, torch::optim::SGDOptions(0.05));
  const double first = joint.step(batch).losses.sum().item<double>();
  joint.run(batch, 60);
  joint.end_epoch();
  EXPECT_LT(joint.step(batch).losses.sum().item<double>(), 0.8 * first);
}

TEST_P(OwnModules, MoveOnlyWhereTheTaskUsesThem) {
  AlternatingTraining training(model_, torch::optim::SGDOptions(0.1));
  const Batch batch = named_batch(model_);
  const auto& part = batch.part("a b");
  const auto parameters = model_->parameters();
  std::vector<torch::Tensor> before;
  for (const auto& parameter : parameters) {
    before.push_back(parameter.detach().clone());
  }
  training.step(Batch(part.inputs, {{"a b", part.labels.target()}}));
  std::set<const void*> used;
  for (const auto& own : sharing().used_parameters(0)) {
    used.insert(own.unsafeGetTensorImpl());
  }
  for (const auto& own : model_->task("a b").head().module()->parameters()) {
    used.insert(own.unsafeGetTensorImpl());
  }
  int64_t moved = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!torch::equal(parameters[i], before[i])) {
      ++moved;
      EXPECT_TRUE(used.contains(parameters[i].unsafeGetTensorImpl()));
    }
  }
  EXPECT_GT(moved, 2);
}

TEST_P(OwnModules, TakeStepsOfABalancing) {
  const Batch batch = named_batch(model_);
  const bool shares = !model_->shared_parameters().empty();
  for (const char* method : {"uw", shares ? "pcgrad" : "dwa"}) {
    JointTraining joint(
        model_,
        torch::optim::SGDOptions(0.05),
        JointTrainingOptions().balancing(balancing::make(method)));
    const double first = joint.step(batch).losses.sum().item<double>();
    joint.run(batch, 20);
    EXPECT_TRUE(std::isfinite(first));
    for (const auto& parameter : model_->parameters()) {
      EXPECT_TRUE(parameter.isfinite().all().item<bool>());
    }
  }
}

TEST_P(OwnModules, LiveOnADevice) {
  if (!torch::cuda::is_available()) {
    GTEST_SKIP() << "no CUDA device";
  }
  const torch::Device device("cuda");
  model_->to(torch::kFloat);
  model_->to(device);
  Task later = double_head();
  later.head().module()->to(device, torch::kFloat);
  model_->add_task("later", later);
  for (const auto& parameter : model_->parameters()) {
    EXPECT_TRUE(parameter.is_cuda());
  }
  const auto x = torch::randn({16, 5});
  const Batch batch =
      Batch(x, {{"a b", x.narrow(1, 0, 1)}, {"later", x.narrow(1, 1, 1)}})
          .to(device);
  JointTraining(model_, torch::optim::SGDOptions(0.05)).run(batch, 2);
  model_->eval();
  MultiTaskModel copy = clone(model_, torch::kCPU);
  EXPECT_TRUE(torch::allclose(
      copy->forward_task(x, "later"),
      model_->forward_task(x.to(device), "later").cpu(),
      1e-4,
      1e-5));
  for (const auto& tensor : state_tensors(*copy)) {
    EXPECT_TRUE(tensor.is_cpu());
  }
}

TEST_P(OwnModules, RefuseTasksThatAreNotThere) {
  const std::string name = sharing().name().substr(10); // after polytask::
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { sharing().features_of(x_, 3); }),
      {name, "serves 3 tasks", "place 3"}));
  EXPECT_TRUE(testing::says(
      testing::error_of([&] { sharing().features(x_, 2); }),
      {name, "serves 3 tasks", "asked for 2"}));
}

TEST_P(OwnModules, AreMadeOnceForATask) {
  const auto before = sharing().named_parameters();
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { sharing().serve({"a b", "class", "ß", "class"}); }),
      {"'class' already"}));
  const auto after = sharing().named_parameters();
  ASSERT_EQ(after.keys(), before.keys());
  for (const auto& parameter : after) {
    EXPECT_TRUE(parameter->is_same(before[parameter.key()]));
  }
}

TEST_P(OwnModules, NameAnInputThatTheyCannotTake) {
  EXPECT_TRUE(testing::says(
      testing::error_of(
          [&] { sharing().features(torch::randn({2, 7}, torch::kDouble), 3); }),
      {sharing().name().substr(10) + ": ", "[2, 7]"}));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    OwnModules,
    ::testing::ValuesIn(sharing_kinds()),
    [](const auto& kind) { return std::string(kind.param.name); });

} // namespace
} // namespace polytask
