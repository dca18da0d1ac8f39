// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/l1.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <sstream>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/networks.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;
using testing::twin_of;

MultiTaskModel normalized_model() {
  MultiTaskModel model{HardSharing(torch::nn::Sequential(
      torch::nn::Linear(5, 8), torch::nn::BatchNorm1d(8)))};
  model->add_task("a", LinearTask(8, 1));
  return model;
}

// A module given from outside, which Cloneable does not copy.
class GivenInnerImpl : public torch::nn::Cloneable<GivenInnerImpl> {
 public:
  explicit GivenInnerImpl(torch::nn::Linear inner) : inner_(std::move(inner)) {
    reset();
  }
  void reset() override {
    register_module("inner", inner_);
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return inner_->forward(input);
  }

 private:
  torch::nn::Linear inner_;
};
TORCH_MODULE(GivenInner);

// A head on a tensor that another head may have as well.
class GivenWeightImpl : public torch::nn::Module {
 public:
  explicit GivenWeightImpl(const torch::Tensor& given)
      : weight(register_parameter("weight", given)) {}
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& /*device*/) const override {
    return std::make_shared<GivenWeightImpl>(weight.detach().clone());
  }
  torch::Tensor forward(const torch::Tensor& input) {
    return input.matmul(weight.t());
  }

  torch::Tensor weight;
};
TORCH_MODULE(GivenWeight);

TEST(ModelClone, SharesNoMemoryWithTheOriginal) {
  const MultiTaskModel model = normalized_model();
  const MultiTaskModel twin = twin_of(model);
  auto own = model->named_parameters();
  own.update(model->named_buffers());
  auto copies = twin->named_parameters();
  copies.update(twin->named_buffers());
  ASSERT_EQ(copies.keys(), own.keys());
  for (const auto& copy : copies) {
    EXPECT_TRUE(torch::equal(copy.value(), own[copy.key()])) << copy.key();
    EXPECT_NE(copy.value().data_ptr(), own[copy.key()].data_ptr());
  }
}

TEST(ModelClone, IsAModelWithoutACast) {
  const MultiTaskModel model = make_shared_model();
  MultiTaskModel twin = clone(model);
  twin->task("b").weight(0.5);
  EXPECT_EQ(model->task("b").weight(), 1);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
  EXPECT_TRUE(same_bits(
      snapshot(model), snapshot(clone(model, torch::Device(torch::kCPU)))));
}

TEST(ModelClone, LeavesTheOriginalAloneWhenTrained) {
  const MultiTaskModel model = make_shared_model();
  const auto before = snapshot(model);
  const MultiTaskModel twin = twin_of(model);
  JointTraining joint(twin, torch::optim::SGDOptions(0.1));
  joint.run(make_shared_batch(), 3);
  EXPECT_TRUE(same_bits(before, snapshot(model)));
  EXPECT_FALSE(same_bits(before, snapshot(twin)));
}

TEST(ModelClone, IsLeftAloneWhenTheOriginalIsTrained) {
  const MultiTaskModel model = make_shared_model();
  const auto before = snapshot(model);
  const MultiTaskModel twin = twin_of(model);
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  joint.run(make_shared_batch(), 3);
  EXPECT_TRUE(same_bits(before, snapshot(twin)));
  EXPECT_FALSE(same_bits(before, snapshot(model)));
}

TEST(ModelClone, LeavesAnEarlierOptimizerOnTheOriginal) {
  const MultiTaskModel model = make_shared_model();
  torch::optim::Adam optimizer(
      model->unique_parameters(), torch::optim::AdamOptions(0.1));
  const auto before = snapshot(model);
  const MultiTaskModel twin = twin_of(model);

  JointTraining joint(model, optimizer);
  joint.step(make_shared_batch());
  const auto after = snapshot(model);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_FALSE(torch::equal(before[i], after[i])) << i;
  }
}

TEST(ModelClone, TrainsAsTheOriginalDoes) {
  const MultiTaskModel model = make_shared_model();
  const MultiTaskModel twin = twin_of(model);
  const Batch batch = make_shared_batch();
  JointTraining(model, torch::optim::AdamOptions(0.1)).run(batch, 5);
  JointTraining(twin, torch::optim::AdamOptions(0.1)).run(batch, 5);
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
}

TEST(ModelClone, KeepsTiedHeadsTied) {
  const LinearTask head(5, 1);
  MultiTaskModel model;
  model->add_task("a", head);
  model->add_task("b", head);
  const MultiTaskModel twin = twin_of(model);
  EXPECT_EQ(twin->task("a").head().module(), twin->task("b").head().module());
  EXPECT_NE(twin->task("a").head().module().get(), head.get());
  EXPECT_EQ(twin->shared_parameters().size(), 2);
}

TEST(ModelClone, KeepsTaskWeightsAndLosses) {
  MultiTaskModel model;
  model->add_task("a", Task(torch::nn::Linear(5, 1), HuberLoss(0.5)));
  model->add_task("b", Task(torch::nn::Linear(5, 1), L1Loss()).weight(0.3));
  MultiTaskModel twin = twin_of(model);
  EXPECT_EQ(twin->task("a").loss().as<HuberLoss>()->delta(), 0.5);
  EXPECT_NE(twin->task("b").loss().as<L1Loss>(), nullptr);
  EXPECT_EQ(twin->task("b").weight(), 0.3);

  twin->task("b").weight(2);
  EXPECT_EQ(model->task("b").weight(), 0.3);
}

TEST(ModelClone, KeepsWhatIsFrozen) {
  MultiTaskModel model = make_shared_model();
  model->freeze("b");
  model->shared_parameters()[1].requires_grad_(false);
  const MultiTaskModel twin = twin_of(model);
  for (const auto& parameter : model->named_parameters()) {
    EXPECT_EQ(
        twin->named_parameters()[parameter.key()].requires_grad(),
        parameter.value().requires_grad())
        << parameter.key();
  }
}

TEST(ModelClone, KeepsTheModeOfEachModule) {
  MultiTaskModel model = normalized_model();
  model->sharing().eval();
  ASSERT_TRUE(model->is_training());
  const auto own = model->named_modules();
  for (const auto& module : twin_of(model)->named_modules()) {
    EXPECT_EQ(module.value()->is_training(), own[module.key()]->is_training())
        << module.key();
  }
}

TEST(ModelClone, KeepsTheNamesInASequential) {
  torch::nn::Sequential trunk(
      {{"first", torch::nn::Linear(5, 8)}, {"last", torch::nn::Linear(8, 8)}});
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(8, 1));
  MultiTaskModel twin = twin_of(model);
  EXPECT_EQ(twin->named_parameters().keys(), model->named_parameters().keys());
  EXPECT_EQ(model->named_parameters().keys()[0], "sharing.trunk.first.weight");

  std::stringstream archive;
  torch::save(model, archive);
  EXPECT_NO_THROW(torch::load(twin, archive));
  const auto x = torch::randn({3, 5});
  EXPECT_TRUE(
      torch::equal(twin->forward_task(x, "a"), model->forward_task(x, "a")));
}

TEST(ModelClone, RefusesAModuleWhoseCloneIsNotDeep) {
  MultiTaskModel model;
  model->add_task("a", Task(GivenInner(torch::nn::Linear(5, 1)), HuberLoss()));
  const auto message = error_of([&] { model->clone(); });
  EXPECT_THAT(message, HasSubstr("GivenInner"));
  EXPECT_THAT(message, HasSubstr("'inner.weight'"));
  EXPECT_THAT(message, HasSubstr("Override clone()"));
}

TEST(ModelClone, RefusesATensorThatTwoModulesShare) {
  const auto weight = torch::randn({1, 5});
  MultiTaskModel model;
  model->add_task("a", Task(GivenWeight(weight), HuberLoss()));
  model->add_task("b", Task(GivenWeight(weight), HuberLoss()));
  ASSERT_EQ(model->unique_parameters().size(), 1);
  EXPECT_THAT(
      error_of([&] { model->clone(); }), HasSubstr("Share the module instead"));
}

class ModelCloneOnDevice : public testing::EachDevice {};

TEST_P(ModelCloneOnDevice, IsMadeThere) {
  const MultiTaskModel model = normalized_model();
  const auto twin = model->clone(device());
  for (const auto& parameter : twin->parameters()) {
    EXPECT_EQ(parameter.device().type(), device().type());
  }
  for (const auto& buffer : twin->buffers()) {
    EXPECT_EQ(buffer.device().type(), device().type());
  }
}

POLYTASK_ON_EACH_DEVICE(ModelCloneOnDevice);

} // namespace
} // namespace polytask
