// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/fit/evaluate.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/ranked_job.h"
#include "tests/support/ranks.h"
#include "tests/support/stand_in_device.h"

// Processes whose models are on an accelerator.

namespace polytask {
namespace {

using testing::expect_ranks;
using testing::expect_same_run;
using testing::models_of_ranks;
using testing::ranked_model;
using testing::RankedRows;
using testing::RankedRun;
using Group = std::shared_ptr<Communicator>;

class DeviceRanks : public testing::EachDevice {};

TEST_P(DeviceRanks, TakeTheStepsOfOneProcessOnTheHost) {
  if (GetParam() == "cuda" && testing::StandInDevice::is_registered() &&
      !testing::StandInDevice::has_float64()) {
    GTEST_SKIP() << "no float64 there";
  }
  const RankedRows rows(1);
  for (const std::string method : {"", "uw", "pcgrad", "graddrop", "config"}) {
    torch::manual_seed(11);
    const MultiTaskModel model = ranked_model("trunk");
    const auto models = models_of_ranks(model, 2);
    const auto train = [&](const MultiTaskModel& own,
                           const Group& group,
                           const torch::Device& device) {
      JointTrainingOptions options;
      if (!method.empty()) {
        options.balancing(balancing::make(method));
      }
      MultiTaskModel(own)->to(device);
      JointTraining joint(
          own,
          torch::optim::AdamOptions(0.01),
          options.communicator(group).check_ranks_every(1));
      const Batch batch =
          (group ? rows.part_of(*group) : rows.whole()).to(device);
      RankedRun run;
      for (int step = 0; step < 3; ++step) {
        run.note(joint.step(batch));
      }
      joint.gather();
      const auto values =
          fit::evaluate(own, batch, fit::EvaluateOptions().communicator(group));
      run.losses.push_back(torch::full({1}, values["a/loss"], torch::kDouble));
      run.note(own);
      for (auto* tensors : {&run.losses, &run.weights, &run.parameters}) {
        for (auto& tensor : *tensors) {
          tensor = tensor.cpu();
        }
      }
      return run;
    };
    const RankedRun alone = train(clone(model), {}, torch::kCPU);
    expect_ranks(2, [&](const Group& group) {
      const auto rank = static_cast<size_t>(group->rank());
      expect_same_run(alone, train(models[rank], group, device()));
    });
  }
}

POLYTASK_ON_EACH_DEVICE(DeviceRanks);

} // namespace
} // namespace polytask
