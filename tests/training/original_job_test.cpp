// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/sgd.h>

#include <tuple>

#include "tests/support/devices.h"
#include "tests/support/original_job.h"

namespace polytask {
namespace {

using testing::OriginalJob;

class OriginalJobConvergence
    : public ::testing::TestWithParam<std::tuple<int, torch::Dtype>> {
 protected:
  const OriginalJob job{
      static_cast<uint64_t>(std::get<0>(GetParam())), std::get<1>(GetParam())};
};

TEST_P(OriginalJobConvergence, JointReachesTheTruth) {
  const MultiTaskModel model = job.model();
  JointTraining joint(model, torch::optim::SGDOptions(0.5));
  joint.run(job.batch(), 299);
  EXPECT_LT(OriginalJob::error(model), 1e-3);
}

TEST_P(OriginalJobConvergence, AlternatingReachesTheTruth) {
  const MultiTaskModel model = job.model();
  AlternatingTraining alternating(
      model,
      torch::optim::SGDOptions(0.5),
      AlternatingTrainingOptions().seed(7));
  alternating.run(job.batch(), 1000);
  EXPECT_LT(OriginalJob::error(model), 1e-2);
}

INSTANTIATE_TEST_SUITE_P(
    SeedsAndDtypes,
    OriginalJobConvergence,
    ::testing::Combine(
        ::testing::Range(0, 10),
        ::testing::Values(torch::kFloat, torch::kDouble)));

class OriginalJobOnDevice : public testing::EachDevice {};

TEST_P(OriginalJobOnDevice, BothStrategiesReachTheTruth) {
  const OriginalJob job(3, torch::kFloat, device());
  const MultiTaskModel together = job.model();
  JointTraining joint(together, torch::optim::SGDOptions(0.5));
  joint.run(job.batch(), 299);
  EXPECT_LT(OriginalJob::error(together), 1e-3);

  const MultiTaskModel apart = job.model();
  AlternatingTraining alternating(apart, torch::optim::SGDOptions(0.5));
  alternating.run(job.batch(), 1000);
  EXPECT_LT(OriginalJob::error(apart), 1e-2);
}

POLYTASK_ON_EACH_DEVICE(OriginalJobOnDevice);

} // namespace
} // namespace polytask
