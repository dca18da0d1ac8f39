// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>

#include "tests/support/devices.h"
#include "tests/support/networks.h"

namespace polytask {
namespace {

using testing::make_shared_batch;
using testing::make_shared_model;
using testing::same_bits;
using testing::snapshot;

Batch batch_in(torch::Dtype dtype) {
  const auto options = torch::TensorOptions(dtype);
  return Batch(
      torch::randn({16, 5}, options),
      {{"a", torch::randn({16, 1}, options)},
       {"b", torch::randn({16, 2}, options)},
       {"c", torch::randn({16, 1}, options)}});
}

void expect_same_handles(
    const std::vector<torch::Tensor>& before,
    const std::vector<torch::Tensor>& after) {
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(before[i].is_same(after[i])) << i;
  }
}

class ModelOnDevice : public testing::EachDevice {};

TEST_P(ModelOnDevice, KeepsItsParametersAndItsTrainingWhenMoved) {
  MultiTaskModel model = make_shared_model();
  const auto parameters = model->unique_parameters();
  JointTraining joint(model, torch::optim::AdamOptions(0.1));

  model->to(device());
  expect_same_handles(parameters, model->unique_parameters());
  const auto before = snapshot(model);
  const auto report = joint.step(make_shared_batch().to(device()));
  EXPECT_EQ(report.losses.device().type(), device().type());
  EXPECT_FALSE(same_bits(before, snapshot(model)));
}

TEST_P(ModelOnDevice, EqualsTheCPUs) {
  MultiTaskModel model = make_shared_model();
  const auto x = torch::randn({4, 5});
  const auto expected = model->forward(x);
  model->to(device());
  const auto outputs = model->forward(x.to(device()));
  for (const auto& output : outputs) {
    EXPECT_TRUE(torch::allclose(
        output.value().cpu(), expected[output.key()], 1e-4, 1e-5));
  }
}

POLYTASK_ON_EACH_DEVICE(ModelOnDevice);

TEST(ModelInDouble, KeepsItsParametersAndItsTraining) {
  MultiTaskModel model = make_shared_model();
  const auto parameters = model->unique_parameters();
  JointTraining joint(model, torch::optim::AdamOptions(0.1));
  joint.step(batch_in(torch::kFloat));

  model->to(torch::kDouble);
  expect_same_handles(parameters, model->unique_parameters());
  const auto before = snapshot(model);
  const auto report = joint.step(batch_in(torch::kDouble));
  EXPECT_EQ(report.losses.scalar_type(), torch::kDouble);
  EXPECT_EQ(report.weights.scalar_type(), torch::kDouble);
  EXPECT_FALSE(same_bits(before, snapshot(model)));
}

} // namespace
} // namespace polytask
