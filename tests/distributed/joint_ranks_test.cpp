// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/joint_training.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <limits>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/balanced.h"
#include "tests/support/ranked_job.h"
#include "tests/support/ranks.h"

// Steps that several processes take together are those of one on all rows.

namespace polytask {
namespace {

using testing::expect_ranks;
using testing::expect_same_run;
using ::testing::HasSubstr;
using testing::kRankedRows;
using testing::models_of_ranks;
using testing::ranked_model;
using testing::RankedRows;
using testing::RankedRun;
using testing::run_ranks;
using torch::nn::Linear;
using Group = std::shared_ptr<Communicator>;

RankedRun ranked_run(
    const MultiTaskModel& model,
    const std::vector<RankedRows>& rows,
    const std::string& method,
    const Group& group,
    bool apart) {
  JointTrainingOptions options;
  if (!method.empty()) {
    options.balancing(balancing::make(method));
  }
  options.communicator(group).clipping(Clipping::by_norm(2));
  JointTraining joint(model, torch::optim::SGDOptions(0.1), options);
  RankedRun run;
  for (const RankedRows& of_step : rows) {
    run.note(joint.step(
        group ? of_step.part_of(*group, apart) : of_step.whole(apart)));
  }
  run.note(model);
  return run;
}

void expect_equal_to_one(
    const std::string& kind,
    const std::string& method,
    int64_t ranks,
    bool apart) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model(kind);
  const auto models = models_of_ranks(model, ranks);
  // Threads share a generator.
  // The loss of soft sharing is of the tasks that have labels on a rank.
  std::vector<RankedRows> rows;
  for (int64_t seed = 0; seed < 4; ++seed) {
    rows.emplace_back(seed, /*everywhere=*/kind == "soft");
  }
  const RankedRun alone = ranked_run(model, rows, method, {}, apart);
  std::vector<RankedRun> runs(static_cast<size_t>(ranks));
  expect_ranks(ranks, [&](const Group& group) {
    const auto rank = static_cast<size_t>(group->rank());
    runs[rank] = ranked_run(models[rank], rows, method, group, apart);
  });
  for (const RankedRun& run : runs) {
    ASSERT_FALSE(run.losses.empty());
    expect_same_run(alone, run);
  }
}

std::vector<std::string> ranked_methods() {
  auto methods = testing::methods_of_one_batch();
  methods.insert(methods.begin(), ""); // without a balancing
  return methods;
}

class JointRanks : public ::testing::TestWithParam<std::string> {};

TEST_P(JointRanks, TakeTheStepsOfOneProcess) {
  for (const int64_t ranks : {2, 3}) {
    expect_equal_to_one("trunk", GetParam(), ranks, /*apart=*/false);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    JointRanks,
    ::testing::ValuesIn(ranked_methods()),
    [](const auto& method) {
      return method.param.empty() ? std::string("none") : method.param;
    });

TEST(JointRanks, TakeThemWithInputsOfEachTaskAndOtherSharings) {
  for (const std::string method : {"", "uw", "pcgrad", "famo"}) {
    expect_equal_to_one("trunk", method, 2, /*apart=*/true);
    expect_equal_to_one("experts", method, 2, /*apart=*/false);
    expect_equal_to_one("soft", method, 2, /*apart=*/false);
  }
}

// What the heads learn from, and what a sharing has of single tasks; by one
// batch of each rank and by two.
TEST(JointRanks, WeighWhatSingleTasksHave) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("own experts");
  const std::vector<RankedRows> rows{RankedRows(0), RankedRows(1)};
  for (const auto heads :
       {HeadGradients::kWeighted, HeadGradients::kUnweighted}) {
    for (const std::string method : {"uw", "pcgrad", "upgrad"}) {
      const auto run = [&](const MultiTaskModel& own, const Group& group) {
        JointTraining joint(
            own,
            torch::optim::SGDOptions(0.1),
            JointTrainingOptions()
                .balancing(balancing::make(method))
                .head_gradients(heads)
                .communicator(group));
        RankedRun found;
        for (const RankedRows& of_step : rows) {
          const int64_t begin = group && group->rank() == 1 ? 9 : 0;
          const int64_t end = group && group->rank() == 0 ? 9 : kRankedRows;
          if (!group) {
            found.note(joint.step(of_step.whole()));
          } else if (group->rank() == 0) {
            found.note(joint.step(of_step.part(begin, end)));
          } else {
            found.note(joint.step_accumulated(
                {of_step.part(begin, 14), of_step.part(14, end)}));
          }
        }
        found.note(own);
        return found;
      };
      const RankedRun alone = run(clone(model), {});
      const auto models = models_of_ranks(model, 2);
      expect_ranks(2, [&](const Group& group) {
        expect_same_run(
            alone, run(models[static_cast<size_t>(group->rank())], group));
      });
      auto own = clone(model);
      JointTraining joint(
          own,
          torch::optim::SGDOptions(0.1),
          JointTrainingOptions()
              .balancing(balancing::make(method))
              .head_gradients(heads));
      RankedRun accumulated;
      for (const RankedRows& of_step : rows) {
        accumulated.note(joint.step_accumulated({of_step.whole()}));
      }
      accumulated.note(own);
      expect_same_run(alone, accumulated);
    }
  }
}

TEST(JointRanks, RefuseAStepTogetherAndGoOn) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  std::vector<MultiTaskModel> models{clone(model), clone(model)};
  const RankedRows rows(1);
  RankedRows spoiled(1);
  spoiled.input[20][1] = std::numeric_limits<double>::quiet_NaN();
  expect_ranks(2, [&](const Group& group) {
    const auto rank = static_cast<size_t>(group->rank());
    for (const std::string method : {"", "uw", "upgrad"}) {
      JointTrainingOptions options;
      if (!method.empty()) {
        options.balancing(balancing::make(method));
      }
      JointTraining joint(
          models[rank],
          torch::optim::SGDOptions(0.1),
          options.communicator(group));
      const Batch whole = rows.part_of(*group);
      std::vector<torch::Tensor> before;
      for (const auto& parameter : models[rank]->parameters()) {
        before.push_back(parameter.detach().clone());
      }
      std::string error;
      try {
        joint.step(spoiled.part_of(*group));
      } catch (const c10::ValueError& thrown) {
        error = thrown.what_without_backtrace();
      }
      EXPECT_THAT(error, HasSubstr("NaN"));
      if (rank == 0) {
        EXPECT_THAT(error, HasSubstr("rank 1 of 2 could not take this step"));
      }
      for (size_t i = 0; i < before.size(); ++i) {
        EXPECT_TRUE(models[rank]->parameters()[i].equal(before[i]));
      }
      joint.step(whole);
      EXPECT_FALSE(models[rank]->parameters()[0].equal(before[0]));
    }
  });
}

TEST(JointRanks, RefuseAnotherModel) {
  const auto errors = run_ranks(2, [&](const Group& group) {
    MultiTaskModel model{HardSharing(torch::nn::Sequential(Linear(4, 6)))};
    model->add_task("a", Task(Linear(6, group->rank() + 1), MSELoss()));
    JointTraining joint(
        model,
        torch::optim::SGDOptions(0.1),
        JointTrainingOptions().communicator(group));
  });
  EXPECT_THAT(errors[1], HasSubstr("expected the model of rank 0"));
  EXPECT_THAT(errors[1], HasSubstr("tasks.a.weight [2, 6]"));
  EXPECT_THAT(errors[0], HasSubstr("rank 1 of 2"));
}

TEST(JointRanks, RefuseWhatOneProcessAloneCan) {
  const RankedRows rows(1);
  expect_ranks(2, [&](const Group& group) {
    MultiTaskModel model = ranked_model("trunk");
    JointTrainingOptions options;
    options.balancing(balancing::make("moco")).communicator(group);
    JointTraining joint(model, torch::optim::SGDOptions(0.1), options);
    EXPECT_THROW(
        joint.step({rows.part_of(*group), rows.part_of(*group)}),
        c10::ValueError);
  });
}

TEST(JointRanks, AccumulateBatchesAndRunMany) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const auto options = [](const Group& group) {
    return JointTrainingOptions()
        .balancing(balancing::make("upgrad"))
        .communicator(group);
  };
  const RankedRows rows(3);
  std::vector<MultiTaskModel> models{clone(model), clone(model)};
  JointTraining alone(model, torch::optim::AdamOptions(0.01), options({}));
  alone.step(rows.whole());
  alone.run(rows.whole(), 3);
  alone.backward(rows.whole());
  alone.update();
  expect_ranks(2, [&](const Group& group) {
    const auto rank = static_cast<size_t>(group->rank());
    JointTraining joint(
        models[rank], torch::optim::AdamOptions(0.01), options(group));
    const int64_t begin = rank == 0 ? 0 : 9;
    const int64_t end = rank == 0 ? 9 : kRankedRows;
    joint.step_accumulated(
        {rows.part(begin, begin + 4), rows.part(begin + 4, end)});
    joint.run(rows.part(begin, end), 3);
    joint.backward(rows.part(begin, end));
    joint.update();
    for (size_t i = 0; i < model->parameters().size(); ++i) {
      EXPECT_TRUE(models[rank]->parameters()[i].allclose(
          model->parameters()[i], 1e-9, 1e-10))
          << i;
    }
  });
}

} // namespace
} // namespace polytask
