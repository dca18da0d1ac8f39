// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/hard_sharing.h>

#include <gmock/gmock.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/networks.h"

namespace polytask {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::make_shared_batch;

class CountedTrunkImpl : public testing::TanhTrunkImpl {
 public:
  CountedTrunkImpl() : TanhTrunkImpl(5, 8) {}
  torch::Tensor forward(const torch::Tensor& input) {
    ++calls;
    return TanhTrunkImpl::forward(input);
  }
  int calls = 0;
};
TORCH_MODULE(CountedTrunk);

MultiTaskModel counted_model(const CountedTrunk& trunk) {
  MultiTaskModel model{HardSharing(trunk)};
  model->add_task("a", LinearTask(8, 1));
  model->add_task("b", LinearTask(8, 2));
  model->add_task("c", LinearTask(8, 1));
  return model;
}

TEST(HardSharing, RunsTheTrunkOnceAJointStep) {
  const CountedTrunk trunk;
  JointTraining joint(counted_model(trunk), torch::optim::SGDOptions(0.1));
  joint.run(make_shared_batch(), 5);
  EXPECT_EQ(trunk->calls, 5);
}

TEST(HardSharing, RunsTheTrunkOnceForAllOutputs) {
  const CountedTrunk trunk;
  counted_model(trunk)->forward(torch::randn({4, 5}));
  EXPECT_EQ(trunk->calls, 1);
}

TEST(HardSharing, RunsTheTrunkForEachInputWhereTasksHaveTheirOwn) {
  const CountedTrunk trunk;
  JointTraining joint(counted_model(trunk), torch::optim::SGDOptions(0.1));
  joint.step(Batch::per_task(
      {{"a", torch::randn({3, 5}), torch::randn({3, 1})},
       {"c", torch::randn({4, 5}), torch::randn({4, 1})}}));
  EXPECT_EQ(trunk->calls, 2);
}

TEST(HardSharing, DoesNotRunTheTrunkWhereNoTaskHasALabel) {
  const CountedTrunk trunk;
  JointTraining joint(counted_model(trunk), torch::optim::SGDOptions(0.1));
  joint.step(
      Batch(torch::randn({4, 5}), {{"a", torch::full({4, 1}, std::nanf(""))}}));
  EXPECT_EQ(trunk->calls, 0);
}

TEST(HardSharing, GivesEachTaskTheTrunksOutput) {
  torch::nn::Linear trunk(5, 8);
  HardSharing sharing(trunk);
  const auto x = torch::randn({4, 5});
  const auto features = sharing->features(x, 3);
  ASSERT_EQ(features.size(), 3);
  EXPECT_TRUE(torch::equal(features[0], trunk->forward(x)));
  EXPECT_TRUE(features[2].is_same(features[0]));
  EXPECT_TRUE(torch::equal(sharing->features_of(x, 2), features[2]));
  EXPECT_TRUE(sharing->task_parameters(0).empty());
  EXPECT_EQ(sharing->trunk().as<torch::nn::Linear>().get(), trunk.get());
}

TEST(HardSharing, ClonesTheTrunkDeeply) {
  torch::nn::Linear trunk(5, 8);
  const HardSharing sharing(trunk);
  trunk->weight.requires_grad_(false);
  trunk->eval();
  const auto copy =
      std::dynamic_pointer_cast<HardSharingImpl>(sharing->clone());
  const auto twin = copy->trunk().as<torch::nn::Linear>();
  EXPECT_TRUE(torch::equal(twin->weight, trunk->weight));
  EXPECT_NE(twin->weight.data_ptr(), trunk->weight.data_ptr());
  EXPECT_FALSE(twin->weight.requires_grad());
  EXPECT_FALSE(twin->is_training());
  EXPECT_TRUE(copy->is_training());
}

TEST(HardSharing, ClonesTheNamesInASequential) {
  const HardSharing sharing(
      torch::nn::Sequential({{"in", torch::nn::Linear(5, 8)}}));
  EXPECT_EQ(
      sharing->clone()->named_parameters().keys(),
      sharing->named_parameters().keys());
}

TEST(HardSharing, NamesTheShapeThatTheTrunkCannotTake) {
  HardSharing sharing(torch::nn::Linear(5, 8));
  const auto message =
      error_of([&] { sharing->features(torch::randn({4, 3}), 1); });
  EXPECT_THAT(message, HasSubstr("HardSharing: the trunk"));
  EXPECT_THAT(message, HasSubstr("[4, 3]"));
}

TEST(HardSharing, PrintsAConstructorCall) {
  std::ostringstream text;
  HardSharing(torch::nn::Linear(5, 8))->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::HardSharing()");
}

} // namespace
} // namespace polytask
