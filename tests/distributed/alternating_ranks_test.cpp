// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/optim/grad_scaler.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/samplers/by_loss.h>
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
    expect_alternating_as_one(ByLossSampler(), ranks);
  }
}

TEST(AlternatingRanks, ShowSamplersTheLossesOfSeveralBatches) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const RankedRows rows(2);
  const auto train = [&](const std::vector<Batch>& batches) {
    const MultiTaskModel own = clone(model);
    AlternatingTraining alternating = alternating_of(own, ByLossSampler(), {});
    RankedRun run;
    for (int step = 0; step < 12; ++step) {
      run.note(
          batches.size() == 1 ? alternating.step(batches[0])
                              : alternating.step_accumulated(batches));
    }
    run.note(own);
    return run;
  };
  expect_same_run(
      train({rows.whole()}),
      train({rows.part(0, 10), rows.part(10, testing::kRankedRows)}));
}

// Draws, or shows losses to, what throws on one rank.
class Throwing : public CloneableSampler<Throwing> {
 public:
  Throwing(bool in_draw, bool in_observe)
      : in_draw_(in_draw), in_observe_(in_observe) {}
  bool wants_losses() const override {
    return true;
  }
  void observe(int64_t /*task*/, double /*loss*/) override {
    TORCH_CHECK_VALUE(!in_observe_ || ++observed_ != 2, "no such loss");
  }

 protected:
  int64_t draw() override {
    TORCH_CHECK_VALUE(!in_draw_ || ++drawn_ != 2, "no such task");
    return 0;
  }

 private:
  bool in_draw_;
  bool in_observe_;
  int drawn_ = 0;
  int observed_ = 0;
};

TEST(AlternatingRanks, RefuseTogetherWhatThrowsOnOne) {
  torch::manual_seed(11);
  const RankedRows rows(2);
  for (const std::string kind : {"draw", "observe", "source", "name"}) {
    const auto models = models_of_ranks(ranked_model("trunk"), 2);
    expect_ranks(2, [&](const Group& group) {
      const bool throws = group->rank() == 1;
      AlternatingTraining alternating = alternating_of(
          models[static_cast<size_t>(group->rank())],
          Throwing(throws && kind == "draw", throws && kind == "observe"),
          group);
      const Batch batch = rows.part_of(*group);
      int calls = 0;
      const auto step = [&] {
        ++calls;
        if (kind == "source") {
          alternating.step([&](const std::string&) {
            TORCH_CHECK_VALUE(!throws || calls != 2, "no such file");
            return batch;
          });
        } else if (kind == "name") {
          alternating.step_task(batch, throws && calls == 2 ? "no such" : "a");
        } else {
          alternating.step(batch);
        }
      };
      step();
      std::string error;
      try {
        step();
      } catch (const c10::Error& thrown) {
        error = thrown.what_without_backtrace();
      }
      EXPECT_THAT(error, HasSubstr("no such")) << kind;
      step();
    });
    for (size_t i = 0; i < models[0]->parameters().size(); ++i) {
      EXPECT_TRUE(models[0]->parameters()[i].equal(models[1]->parameters()[i]))
          << kind << " " << i;
    }
  }
}

// The scale of mixed precision, and what every step looks at first.
TEST(AlternatingRanks, PrepareTheStepOfANamedTask) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const auto models = models_of_ranks(model, 2);
  const RankedRows rows(2);
  const auto train = [&](const MultiTaskModel& own, const Group& group) {
    AlternatingTraining alternating(
        own,
        torch::optim::AdamOptions(0.01),
        AlternatingTrainingOptions()
            .grad_scaler(std::make_shared<optim::GradScaler>(
                optim::GradScalerOptions().init_scale(8).growth_interval(1)))
            .communicator(group));
    const Batch batch = group ? rows.part_of(*group) : rows.whole();
    for (int step = 0; step < 4; ++step) {
      alternating.step_task(batch, "class");
    }
    {
      const torch::NoGradGuard no_grad;
      EXPECT_THROW(alternating.step_task(batch, "a"), c10::ValueError);
    }
    RankedRun run;
    run.note(own);
    return run;
  };
  const RankedRun alone = train(model, {});
  expect_ranks(2, [&](const Group& group) {
    expect_same_run(
        alone, train(models[static_cast<size_t>(group->rank())], group));
  });
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
