// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/training/alternating_training.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/ranked_job.h"
#include "tests/support/ranks.h"

// One draw for all ranks, whose rows of that task make one step.

namespace polytask {
namespace {

using testing::expect_ranks;
using testing::expect_same_run;
using ::testing::HasSubstr;
using testing::models_of_ranks;
using testing::ranked_model;
using testing::RankedRows;
using testing::RankedRun;
using testing::run_ranks;
using Group = std::shared_ptr<Communicator>;

AlternatingTraining alternating_of(
    const MultiTaskModel& model,
    const TaskSampler& sampler,
    const Group& group,
    uint64_t seed = 3) {
  return {
      model,
      torch::optim::AdamOptions(0.01).weight_decay(0.1),
      AlternatingTrainingOptions().sampler(sampler).seed(seed).communicator(
          group)};
}

void expect_alternating_as_one(const TaskSampler& sampler, int64_t ranks) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const auto models = models_of_ranks(model, ranks);
  const RankedRows rows(2);
  const auto train = [&](const MultiTaskModel& own, const Group& group) {
    AlternatingTraining alternating = alternating_of(own, sampler, group);
    const Batch batch = group ? rows.part_of(*group) : rows.whole();
    RankedRun run;
    for (int step = 0; step < 8; ++step) {
      run.note(alternating.step(batch));
    }
    run.note(alternating.step([&](const std::string&) { return batch; }));
    run.note(alternating.step_task(batch, "class"));
    run.note(alternating.run(batch, 3));
    alternating.backward(batch);
    alternating.update();
    run.note(own);
    return run;
  };
  const RankedRun alone = train(model, {});
  expect_ranks(ranks, [&](const Group& group) {
    const auto rank = static_cast<size_t>(group->rank());
    expect_same_run(alone, train(models[rank], group));
  });
}

TEST(AlternatingRanks, TakeTheStepsOfOneProcess) {
  for (const int64_t ranks : {2, 3}) {
    expect_alternating_as_one(UniformSampler(), ranks);
    expect_alternating_as_one(RoundRobinSampler(), ranks);
  }
}

// A head without a gradient keeps its moments and does not decay.
TEST(AlternatingRanks, TouchNoOtherHead) {
  torch::manual_seed(11);
  const auto models = models_of_ranks(ranked_model("trunk"), 2);
  const RankedRows rows(2);
  expect_ranks(2, [&](const Group& group) {
    const MultiTaskModel& model = models[static_cast<size_t>(group->rank())];
    AlternatingTraining alternating =
        alternating_of(model, UniformSampler(), group);
    const auto heads = [&] {
      std::vector<torch::Tensor> all;
      for (const char* task : {"a", "b c"}) {
        for (const auto& own :
             model->task(task).head().module()->parameters()) {
          all.push_back(own.detach().clone());
        }
      }
      return all;
    };
    const auto before = heads();
    alternating.step_task(rows.part_of(*group), "class");
    const auto after = heads();
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(after[i].equal(before[i])) << i;
    }
  });
}

TEST(AlternatingRanks, RefuseDrawsOfOtherSeeds) {
  torch::manual_seed(11);
  const auto models = models_of_ranks(ranked_model("trunk"), 2);
  const RankedRows rows(2);
  const auto errors = run_ranks(2, [&](const Group& group) {
    AlternatingTraining alternating = alternating_of(
        models[static_cast<size_t>(group->rank())],
        UniformSampler(),
        group,
        static_cast<uint64_t>(group->rank()));
    for (int step = 0; step < 20; ++step) {
      alternating.step(rows.part_of(*group));
    }
  });
  for (const auto& error : errors) {
    EXPECT_THAT(error, HasSubstr("the ranks drew different tasks"));
  }
}

} // namespace
} // namespace polytask
