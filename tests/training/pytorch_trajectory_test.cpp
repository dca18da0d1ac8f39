// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/sgd.h>

#include "tests/support/original_job.h"
#include "tests/training/pytorch_trajectory.h"

namespace polytask {
namespace {

using testing::OriginalJob;
using testing::PyTorchRecord;

// Two machines' kernels may round a sum differently.
constexpr float kTolerance = 1e-6F;

OriginalJob pytorch_job() {
  OriginalJob job(0);
  job.x =
      torch::tensor(c10::ArrayRef<float>(&testing::kPyTorchInput[0][0], 200))
          .view({100, 2});
  const auto column = [](const float(&values)[100]) {
    return torch::tensor(c10::ArrayRef<float>(values, 100)).unsqueeze(1);
  };
  job.y1 = column(testing::kPyTorchTargets[0]);
  job.y2 = column(testing::kPyTorchTargets[1]);
  const auto row = [](const float(&values)[2]) {
    return torch::tensor(c10::ArrayRef<float>(values, 2)).unsqueeze(0);
  };
  job.w1 = row(testing::kPyTorchWeights[0]);
  job.w2 = row(testing::kPyTorchWeights[1]);
  return job;
}

void expect_record(const MultiTaskModel& model, const PyTorchRecord& record) {
  int place = 0;
  for (const auto& parameter : model->unique_parameters()) {
    const auto flat = parameter.detach().flatten();
    for (int64_t i = 0; i < flat.numel(); ++i) {
      EXPECT_NEAR(flat[i].item<float>(), record.parameters[place++], kTolerance)
          << "step " << record.step;
    }
  }
  EXPECT_EQ(place, 6);
}

TEST(PyTorchTrajectory, JointFollowsIt) {
  const OriginalJob job = pytorch_job();
  const MultiTaskModel model = job.model();
  JointTraining joint(model, torch::optim::SGDOptions(0.5));
  for (const auto& record : testing::kPyTorchJoint) {
    joint.run(job.batch(), record.step - joint.steps());
    expect_record(model, record);
  }
}

TEST(PyTorchTrajectory, AlternatingFollowsItWithTheSameDraws) {
  const OriginalJob job = pytorch_job();
  const MultiTaskModel model = job.model();
  AlternatingTraining alternating(model, torch::optim::SGDOptions(0.5));
  for (const auto& record : testing::kPyTorchAlternating) {
    while (alternating.steps() < record.step) {
      const char draw = testing::kPyTorchDraws[alternating.steps()];
      alternating.step_task(job.batch(), draw == '0' ? "y1" : "y2");
    }
    expect_record(model, record);
  }
}

} // namespace
} // namespace polytask
