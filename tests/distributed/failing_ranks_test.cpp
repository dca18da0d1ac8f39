// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/ranked_job.h"
#include "tests/support/ranks.h"

// What the others do where one rank fails.

namespace polytask {
namespace {

using testing::expect_ranks;
using ::testing::HasSubstr;
using testing::models_of_ranks;
using testing::ranked_model;
using testing::RankedRows;
using testing::run_ranks;
using Group = std::shared_ptr<Communicator>;

JointTraining training_of(
    const MultiTaskModel& model,
    const std::string& method,
    const Group& group) {
  JointTrainingOptions options;
  if (!method.empty()) {
    options.balancing(balancing::make(method));
  }
  return {model, torch::optim::SGDOptions(0.1), options.communicator(group)};
}

// One rank's loss is the user's, and throws in the second step.
TEST(FailingRanks, RefuseWhatThrowsOnOne) {
  torch::manual_seed(11);
  auto models = models_of_ranks(ranked_model("trunk"), 2);
  const RankedRows rows(1);
  int calls = 0;
  models[1]->replace_task(
      "a",
      Task(
          models[1]->task("a").head(),
          [&calls](
              const torch::Tensor& output,
              const torch::Tensor& target,
              const torch::Tensor& weights) {
            if (++calls == 2) {
              throw std::runtime_error("no loss today");
            }
            const auto errors = (output - target).square().flatten();
            return (weights.flatten() * errors).sum() / weights.sum();
          })
          .weight(0.7));
  for (const std::string method : {"", "uw", "upgrad"}) {
    calls = 0;
    expect_ranks(2, [&](const Group& group) {
      const auto& model = models[static_cast<size_t>(group->rank())];
      JointTraining joint = training_of(model, method, group);
      const Batch batch = rows.part_of(*group);
      joint.step(batch);
      const torch::Tensor before = model->parameters()[0].detach().clone();
      std::string error;
      try {
        joint.step(batch);
      } catch (const std::exception& thrown) {
        error = thrown.what();
      }
      EXPECT_THAT(error, HasSubstr("no loss today")) << method;
      EXPECT_TRUE(model->parameters()[0].equal(before));
      joint.step(batch);
      EXPECT_FALSE(model->parameters()[0].equal(before));
    });
  }
}

// A hook throws after the method has learned from the step.
TEST(FailingRanks, KeepTheMethodOnAll) {
  const RankedRows rows(1);
  for (const std::string method : {"dwa", "gradvac", "famo", "gradnorm"}) {
    torch::manual_seed(11);
    const auto models = models_of_ranks(ranked_model("trunk"), 2);
    bool throws = false;
    models[1]->task("a").head().module()->parameters()[0].register_hook(
        [&](const torch::Tensor& gradient) {
          if (throws) {
            throw std::runtime_error("no gradient today");
          }
          return gradient;
        });
    expect_ranks(2, [&](const Group& group) {
      const auto& model = models[static_cast<size_t>(group->rank())];
      JointTraining joint = training_of(model, method, group);
      const Batch batch = rows.part_of(*group);
      joint.step(batch);
      group->barrier();
      throws = true;
      group->barrier();
      EXPECT_THROW(joint.step(batch), std::exception) << method;
      group->barrier();
      throws = false;
      group->barrier();
      for (int step = 0; step < 3; ++step) {
        const torch::Tensor weights = joint.step(batch).weights;
        const torch::Tensor all = group->gather(weights);
        EXPECT_TRUE(all[0].equal(all[1])) << method << all;
      }
    });
  }
}

TEST(FailingRanks, SeeThatOneTrainsOtherParameters) {
  torch::manual_seed(11);
  const auto models = models_of_ranks(ranked_model("trunk"), 2);
  const RankedRows rows(1);
  for (const std::string method : {"", "upgrad"}) {
    const auto errors = run_ranks(2, [&](const Group& group) {
      const auto& model = models[static_cast<size_t>(group->rank())];
      JointTraining joint = training_of(model, method, group);
      joint.step(rows.part_of(*group));
      torch::Tensor frozen = model->parameters()[0];
      frozen.requires_grad_(group->rank() == 0);
      try {
        joint.step(rows.part_of(*group));
      } catch (...) {
        frozen.requires_grad_(true);
        throw;
      }
    });
    for (const auto& error : errors) {
      EXPECT_THAT(error, HasSubstr("do not train the same parameters"));
    }
  }
}

TEST(FailingRanks, EndWhereOneIsGone) {
  torch::manual_seed(11);
  const auto models = models_of_ranks(ranked_model("trunk"), 3);
  const RankedRows rows(1);
  const auto errors = run_ranks(3, [&](const Group& group) {
    const auto& model = models[static_cast<size_t>(group->rank())];
    JointTraining joint = training_of(model, "pcgrad", group);
    for (int step = 0; step < (group->rank() == 1 ? 2 : 3); ++step) {
      joint.step(rows.part_of(*group));
    }
  });
  EXPECT_EQ(errors[1], "");
  for (const size_t rank : {0, 2}) {
    EXPECT_THAT(errors[rank], HasSubstr("lost the others"));
  }
}

TEST(FailingRanks, EndWhereOneHangs) {
  torch::manual_seed(11);
  const auto models = models_of_ranks(ranked_model("trunk"), 2);
  const RankedRows rows(1);
  const auto errors = run_ranks(
      2,
      [&](const Group& group) {
        const auto& model = models[static_cast<size_t>(group->rank())];
        JointTraining joint = training_of(model, "", group);
        joint.step(rows.part_of(*group));
        if (group->rank() == 1) {
          std::this_thread::sleep_for(std::chrono::seconds(3));
        }
        joint.step(rows.part_of(*group));
      },
      std::chrono::milliseconds(1500));
  EXPECT_THAT(errors[0], HasSubstr("rank 0 of 2 lost the others in 'sum'"));
  EXPECT_THAT(errors[1], HasSubstr("lost the others"));
}

TEST(FailingRanks, FindAParameterThatOneRankWrote) {
  torch::manual_seed(11);
  const auto models = models_of_ranks(ranked_model("trunk"), 2);
  const RankedRows rows(1);
  for (const auto& error : run_ranks(2, [&](const Group& group) {
         const MultiTaskModel& own = models[static_cast<size_t>(group->rank())];
         JointTraining joint(
             own,
             torch::optim::SGDOptions(0.1),
             JointTrainingOptions().communicator(group).check_ranks_every(2));
         const Batch batch = rows.part_of(*group);
         joint.step(batch);
         if (group->rank() == 1) {
           const torch::NoGradGuard no_grad;
           own->task_parameters("a")[1].add_(1e-12);
         }
         EXPECT_THROW(joint.step(batch), c10::ValueError);
         joint.step(batch); // it looks after the next
         joint.step(batch);
       })) {
    EXPECT_THAT(error, HasSubstr("'tasks.a.bias' is not the same on all"));
  }
}

} // namespace
} // namespace polytask
