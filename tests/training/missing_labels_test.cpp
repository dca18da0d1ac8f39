// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/data/loader.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <limits>

#include "tests/support/devices.h"
#include "tests/support/networks.h"
#include "tests/support/twin.h"

namespace polytask {
namespace {

using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;
using testing::twin_of;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void expect_close(
    const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << i;
  }
}

class MissingLabels : public testing::EachDevice {
 protected:
  void SetUp() override {
    EachDevice::SetUp();
    if (IsSkipped()) {
      return;
    }
    model->to(device());
    x = torch::randn({16, 5}).to(device());
    a = torch::randn({16, 1}).to(device());
    b = torch::randn({16, 2}).to(device());
    c = torch::randn({16, 1}).to(device());
  }

  MultiTaskModel model = make_shared_model();
  torch::Tensor x, a, b, c;
};

TEST_P(MissingLabels, SomeRowsEqualTrainingOnThePresentOnes) {
  const auto rows = torch::arange(5, 16, x.options().dtype(torch::kLong));
  const Batch present = Batch::per_task(
      {{"a", x.index_select(0, rows), a.index_select(0, rows)},
       {"b", x, b},
       {"c", x, c}});
  a.narrow(0, 0, 5).fill_(kNaN);
  const Batch holed(x, {{"a", a}, {"b", b}, {"c", c}});

  MultiTaskModel twin = twin_of(model);
  JointTraining with_holes(model, torch::optim::SGDOptions(0.1).momentum(0.9));
  JointTraining without(twin, torch::optim::SGDOptions(0.1).momentum(0.9));
  for (int step = 0; step < 20; ++step) {
    const auto holed_report = with_holes.step(holed);
    const auto present_report = without.step(present);
    EXPECT_TRUE(torch::allclose(
        holed_report.losses, present_report.losses, 1e-5, 1e-6));
  }
  expect_close(snapshot(model), snapshot(twin));
}

TEST_P(MissingLabels, SomeElementsOfARowDoNotCount) {
  b.select(1, 0).narrow(0, 0, 8).fill_(kNaN);
  JointTraining joint(model, torch::optim::SGDOptions(0.1));
  const auto output = model->forward_task(x, "b");
  const auto present = b.isnan().logical_not();
  const auto expected =
      (output - b).square().masked_select(present).mean().item<float>();
  const auto report = joint.step(Batch(x, {{"a", a}, {"b", b}, {"c", c}}));
  EXPECT_NEAR(report.losses[1].item<float>(), expected, 1e-6);
}

TEST_P(MissingLabels, AWholeTaskTakesNoPart) {
  const auto holes = torch::full_like(a, kNaN);
  MultiTaskModel twin = twin_of(model);
  JointTraining joint(model, torch::optim::SGDOptions(0.1).weight_decay(0.1));
  JointTraining twin_joint(
      twin, torch::optim::SGDOptions(0.1).weight_decay(0.1));
  const auto own = model->task_parameters("a")[0].detach().clone();

  const auto report = joint.step(Batch(x, {{"a", holes}, {"b", b}, {"c", c}}));
  twin_joint.step(Batch(x, {{"b", b}, {"c", c}}));

  EXPECT_EQ(report.losses[0].item<float>(), 0);
  EXPECT_EQ(report.weights[0].item<float>(), 0);
  EXPECT_EQ(report.weights[1].item<float>(), 1);
  EXPECT_TRUE(torch::equal(own, model->task_parameters("a")[0]));
  EXPECT_TRUE(same_bits(snapshot(model), snapshot(twin)));
}

TEST_P(MissingLabels, NoLabelAtAllMovesNothing) {
  const auto before = snapshot(model);
  const Batch empty(
      x,
      {{"a", torch::full_like(a, kNaN)},
       {"b", torch::full_like(b, kNaN)},
       {"c", torch::full_like(c, kNaN)}});
  JointTraining joint(model, torch::optim::SGDOptions(0.1).weight_decay(0.1));
  const auto report = joint.step(empty);
  EXPECT_TRUE(
      torch::equal(report.losses.cpu(), torch::zeros({3}, torch::kDouble)));
  EXPECT_TRUE(
      torch::equal(report.weights.cpu(), torch::zeros({3}, torch::kDouble)));

  AlternatingTraining alternating(
      model, torch::optim::SGDOptions(0.1).weight_decay(0.1));
  EXPECT_EQ(alternating.step(empty).weights.abs().sum().item<double>(), 0);
  EXPECT_TRUE(same_bits(before, snapshot(model)));
}

TEST_P(MissingLabels, IgnoredClassesEqualTrainingOnThePresentRows) {
  MultiTaskModel classifier;
  classifier->add_task(
      "class",
      Task(
          torch::nn::Linear(5, 3),
          CrossEntropyLoss(CrossEntropyLossOptions().ignore_index(-1))));
  classifier->to(device());
  MultiTaskModel twin = twin_of(classifier);
  auto labels = torch::randint(3, {16}, torch::kLong).to(device());
  const auto rows = torch::arange(4, 16, labels.options());
  const Batch present(
      x.index_select(0, rows), {{"class", labels.index_select(0, rows)}});
  labels.narrow(0, 0, 4).fill_(-1);
  const Batch holed(x, {{"class", labels}});

  JointTraining with_holes(classifier, torch::optim::SGDOptions(0.1));
  JointTraining without(twin, torch::optim::SGDOptions(0.1));
  with_holes.run(holed, 20);
  without.run(present, 20);
  expect_close(snapshot(classifier), snapshot(twin));

  labels.fill_(-1);
  const auto before = snapshot(classifier);
  EXPECT_EQ(
      with_holes.step(Batch(x, {{"class", labels}})).losses[0].item<double>(),
      0);
  EXPECT_TRUE(same_bits(before, snapshot(classifier)));
}

POLYTASK_ON_EACH_DEVICE(MissingLabels);

// Batches of a loader as the same rows by Dataset::batch; the last one has
// ignored classes only.
template <typename Strategy>
class IgnoredClassesOfALoader : public ::testing::Test {};
using Strategies = ::testing::Types<JointTraining, AlternatingTraining>;
TYPED_TEST_SUITE(IgnoredClassesOfALoader, Strategies);

TYPED_TEST(IgnoredClassesOfALoader, TrainAsTheDatasetsOwnBatches) {
  MultiTaskModel classifier;
  classifier->add_task(
      "class",
      Task(
          torch::nn::Linear(5, 3),
          CrossEntropyLoss(CrossEntropyLossOptions().ignore_index(255))));
  const MultiTaskModel twin = twin_of(classifier);
  const auto labels = torch::tensor({0, 255, 2, 1, 255, 255});
  const data::Dataset rows(torch::randn({6, 5}), {{"class", labels}});
  TypeParam looped(classifier, torch::optim::SGDOptions(0.1));
  TypeParam by_hand(twin, torch::optim::SGDOptions(0.1));
  data::Loader loader(rows, data::LoaderOptions().batch_size(2).shuffle(false));
  int64_t first = 0;
  for (const Batch& batch : loader) {
    const auto before = snapshot(classifier);
    const auto report = looped.step(batch);
    const auto index = torch::arange(first, first + 2, torch::kLong);
    by_hand.step(rows.select(index).batch());
    EXPECT_TRUE(same_bits(snapshot(classifier), snapshot(twin)));
    EXPECT_EQ(first == 4, same_bits(before, snapshot(classifier)));
    EXPECT_TRUE(report.losses.isfinite().all().template item<bool>());
    first += 2;
  }
  EXPECT_EQ(looped.steps(), 3);
}

} // namespace
} // namespace polytask
