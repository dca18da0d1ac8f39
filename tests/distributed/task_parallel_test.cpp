// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/data/loader.h>
#include <polytask/fit/fit.h>
#include <polytask/optim/grad_scaler.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/mse.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/samplers/simple.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/ranked_job.h"
#include "tests/support/ranks.h"

// Ranks with tasks of their own: the steps of one process on all their rows,
// and heads that nobody but their owners moves.

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

constexpr int64_t kOwnRanks = 3;

TaskOwners three_owners() {
  return TaskOwners({{{"a", "b c"}, 2}, {{"class"}, 1}});
}

// Some rows, with labels of these tasks alone.
Batch owned_rows(
    const RankedRows& rows,
    int64_t begin,
    int64_t end,
    const std::vector<std::string>& tasks) {
  std::vector<Batch::Example> examples;
  for (const auto& [task, target] : rows.targets) {
    if (std::ranges::find(tasks, task) != tasks.end()) {
      examples.push_back(
          {task,
           rows.input.slice(0, begin, end).clone(),
           target.slice(0, begin, end).clone()});
    }
  }
  return Batch::per_task(examples);
}

// The first two ranks have 15 rows of their tasks, the last 8 of its own.
Batch rows_of_rank(const RankedRows& rows, int64_t rank) {
  return rank == 2 ? owned_rows(rows, 15, 23, {"class"})
      : rank == 1  ? owned_rows(rows, 6, 15, {"a", "b c"})
                   : owned_rows(rows, 0, 6, {"a", "b c"});
}

Batch rows_of_all(
    const RankedRows& rows,
    const std::vector<std::string>& tasks = {"a", "b c", "class"}) {
  std::vector<Batch::Example> examples;
  for (const auto& task : tasks) {
    const Batch part = task == "class" ? owned_rows(rows, 15, 23, {task})
                                       : owned_rows(rows, 0, 15, {task});
    examples.push_back(
        {task, part.part(task).input, part.part(task).labels.target()});
  }
  return Batch::per_task(examples);
}

JointTrainingOptions owned_options(
    const std::string& method, const Group& group) {
  JointTrainingOptions options;
  if (!method.empty()) {
    options.balancing(balancing::make(method));
  }
  options.clipping(Clipping::by_norm(0.5));
  return group ? options.communicator(group).task_owners(three_owners())
               : options;
}

RankedRun owned_run(
    const MultiTaskModel& model,
    const std::vector<RankedRows>& rows,
    const std::string& method,
    const Group& group) {
  JointTraining joint(
      model,
      torch::optim::AdamOptions(0.02).weight_decay(0.1),
      owned_options(method, group));
  RankedRun run;
  for (const RankedRows& of_step : rows) {
    run.note(joint.step(
        group ? rows_of_rank(of_step, group->rank()) : rows_of_all(of_step)));
  }
  joint.gather();
  run.note(model);
  return run;
}

class TaskParallel : public ::testing::TestWithParam<std::string> {};

TEST_P(TaskParallel, TakesTheStepsOfOneProcess) {
  // Threads share a generator.
  const std::vector<RankedRows> rows{
      RankedRows(0), RankedRows(1), RankedRows(2), RankedRows(3)};
  for (const std::string kind : {"trunk", "own experts"}) {
    torch::manual_seed(11);
    const MultiTaskModel model = ranked_model(kind);
    const auto models = models_of_ranks(model, kOwnRanks);
    const RankedRun alone = owned_run(clone(model), rows, GetParam(), {});
    std::vector<RankedRun> runs(kOwnRanks);
    expect_ranks(kOwnRanks, [&](const Group& group) {
      const auto rank = static_cast<size_t>(group->rank());
      runs[rank] = owned_run(models[rank], rows, GetParam(), group);
    });
    for (const RankedRun& run : runs) {
      ASSERT_FALSE(run.losses.empty());
      expect_same_run(alone, run);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    TaskParallel,
    ::testing::Values(
        "",
        "uw",
        "dwa",
        "gradnorm",
        "pcgrad",
        "upgrad",
        "graddrop",
        "trimmed_mean"),
    [](const auto& method) {
      return method.param.empty() ? std::string("none") : method.param;
    });

TEST(TaskParallelJoint, LeavesHeadsOfOthersAlone) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const auto models = models_of_ranks(model, kOwnRanks);
  const RankedRows rows(1);
  expect_ranks(kOwnRanks, [&](const Group& group) {
    const MultiTaskModel& own = models[static_cast<size_t>(group->rank())];
    JointTraining joint(
        own,
        torch::optim::AdamOptions(0.02).weight_decay(0.1),
        owned_options("", group));
    for (int step = 0; step < 3; ++step) {
      joint.step(rows_of_rank(rows, group->rank()));
    }
    for (const auto& task : own->task_names()) {
      const bool is_own = (task == "class") == (group->rank() == 2);
      const auto before = model->task_parameters(task);
      const auto now = own->task_parameters(task);
      for (size_t i = 0; i < now.size(); ++i) {
        EXPECT_EQ(now[i].equal(before[i]), !is_own) << task;
        EXPECT_EQ(now[i].grad().defined(), is_own) << task;
        EXPECT_EQ(
            joint.optimizer().state().count(now[i].unsafeGetTensorImpl()) != 0,
            is_own);
      }
    }
  });
}

TEST(TaskParallelJoint, GathersWhatATrainingNeedsToGoOn) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const auto models = models_of_ranks(model, kOwnRanks);
  const RankedRows rows(1);
  const auto one = [](const MultiTaskModel& own) {
    return JointTraining(
        own,
        torch::optim::AdamOptions(0.02).weight_decay(0.1),
        owned_options("pcgrad", {}));
  };
  const MultiTaskModel copy = clone(model);
  JointTraining alone = one(copy);
  for (int step = 0; step < 3; ++step) {
    alone.step(rows_of_all(rows));
  }
  const TrainingState before = alone.state();
  alone.step(rows_of_all(rows));
  RankedRun expected;
  expected.note(copy);
  expect_ranks(kOwnRanks, [&](const Group& group) {
    const MultiTaskModel& own = models[static_cast<size_t>(group->rank())];
    JointTraining joint(
        own,
        torch::optim::AdamOptions(0.02).weight_decay(0.1),
        owned_options("pcgrad", group));
    for (int step = 0; step < 3; ++step) {
      joint.step(rows_of_rank(rows, group->rank()));
    }
    joint.gather();
    const MultiTaskModel later = clone(own);
    JointTraining goes_on = one(later);
    goes_on.load_state(joint.state());
    goes_on.step(rows_of_all(rows));
    RankedRun run;
    run.note(later);
    expect_same_run(expected, run);
  });
}

TEST(TaskParallelAlternating, DrawsATaskForEachGroup) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const auto models = models_of_ranks(model, kOwnRanks);
  const RankedRows rows(1);
  // In turn: "a" and "class", then "b c" and "class".
  const MultiTaskModel copy = clone(model);
  JointTraining alone(copy, torch::optim::AdamOptions(0.02));
  for (int step = 0; step < 6; ++step) {
    alone.step(rows_of_all(rows, {step % 2 == 0 ? "a" : "b c", "class"}));
  }
  RankedRun expected;
  expected.note(copy);
  expect_ranks(kOwnRanks, [&](const Group& group) {
    const MultiTaskModel& own = models[static_cast<size_t>(group->rank())];
    AlternatingTraining alternating(
        own,
        torch::optim::AdamOptions(0.02),
        AlternatingTrainingOptions()
            .sampler(RoundRobinSampler())
            .communicator(group)
            .task_owners(three_owners()));
    const Batch batch = rows_of_rank(rows, group->rank());
    for (int step = 0; step < 6; ++step) {
      const StepReport report = alternating.step(batch);
      EXPECT_EQ(
          report.task,
          group->rank() == 2  ? "class"
              : step % 2 == 0 ? "a"
                              : "b c");
    }
    alternating.gather();
    RankedRun run;
    run.note(own);
    expect_same_run(expected, run);
  });
}

MultiTaskModel with_normed_heads() {
  MultiTaskModel model{
      torch::nn::Sequential(torch::nn::Linear(4, 6), torch::nn::Tanh())};
  for (const std::string task : {"a", "class"}) {
    const int64_t width = task == "a" ? 1 : 3;
    torch::nn::Sequential head(
        torch::nn::BatchNorm1d(6), torch::nn::Linear(6, width));
    model->add_task(
        task,
        task == "a" ? Task(head, MSELoss()) : Task(head, CrossEntropyLoss()));
  }
  model->to(torch::kDouble);
  return model;
}

TEST(TaskParallelJoint, GathersTheStatisticsOfOwners) {
  torch::manual_seed(11);
  const MultiTaskModel model = with_normed_heads();
  const auto models = models_of_ranks(model, 2);
  const RankedRows rows(1);
  const auto train = [](const MultiTaskModel& own,
                        const JointTrainingOptions& options,
                        const Batch& batch) {
    JointTraining joint(own, torch::optim::SGDOptions(0.1), options);
    for (int time = 0; time < 2; ++time) {
      joint.step(batch);
      joint.gather();
    }
  };
  const MultiTaskModel alone = clone(model);
  train(alone, {}, rows_of_all(rows, {"a", "class"}));
  expect_ranks(2, [&](const Group& group) {
    const bool is_first = group->rank() == 0;
    const MultiTaskModel& own = models[static_cast<size_t>(group->rank())];
    train(
        own,
        JointTrainingOptions().communicator(group).task_owners(
            TaskOwners({{{"a"}, 1}, {{"class"}, 1}})),
        is_first ? owned_rows(rows, 0, 15, {"a"})
                 : owned_rows(rows, 15, 23, {"class"}));
    for (size_t i = 0; i < own->buffers().size(); ++i) {
      EXPECT_TRUE(own->buffers()[i].allclose(alone->buffers()[i])) << i;
    }
  });
}

// By the user's optimizer, which lacks a head that clipping is not to count.
TEST(TaskParallelJoint, ClipsWhatTheOptimizerHolds) {
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const auto models = models_of_ranks(model, kOwnRanks);
  const RankedRows rows(1);
  const auto train = [&](const MultiTaskModel& own, const Group& group) {
    auto held = own->shared_parameters();
    for (const auto& parameter : own->task_parameters("a")) {
      held.push_back(parameter);
    }
    torch::optim::SGD optimizer(held, torch::optim::SGDOptions(0.5));
    JointTraining joint(own, optimizer, owned_options("", group));
    for (int step = 0; step < 3; ++step) {
      joint.step(group ? rows_of_rank(rows, group->rank()) : rows_of_all(rows));
    }
    joint.gather();
    RankedRun run;
    run.note(own);
    return run;
  };
  const RankedRun alone = train(clone(model), {});
  expect_ranks(kOwnRanks, [&](const Group& group) {
    expect_same_run(
        alone, train(models[static_cast<size_t>(group->rank())], group));
  });
}

TEST(TaskParallelJoint, RefusesSparseGradientsOnAllRanks) {
  std::vector<MultiTaskModel> models;
  for (int rank = 0; rank < 3; ++rank) {
    MultiTaskModel model;
    for (const char* task : {"a", "b"}) {
      model->add_task(
          task,
          Task(
              torch::nn::Sequential(
                  torch::nn::Embedding(
                      torch::nn::EmbeddingOptions(4, 2).sparse(*task == 'a')),
                  torch::nn::Flatten(),
                  torch::nn::Linear(2, 1)),
              MSELoss()));
    }
    models.push_back(model);
  }
  for (const auto& error : run_ranks(3, [&](const Group& group) {
         JointTraining joint(
             models[static_cast<size_t>(group->rank())],
             torch::optim::SGDOptions(0.1),
             JointTrainingOptions().communicator(group).task_owners(
                 TaskOwners({{{"a"}, 2}, {{"b"}, 1}})));
         joint.step(Batch(
             torch::ones({4, 1}, torch::kLong),
             {{group->rank() == 2 ? "b" : "a", torch::ones({4, 1})}}));
       })) {
    EXPECT_THAT(error, HasSubstr("sparse"));
  }
}

// What each rank says where they do not fit.
std::vector<std::string> refusals(
    const std::function<JointTrainingOptions(const Group&)>& options,
    bool with_foreign_labels = false) {
  torch::manual_seed(11);
  const auto models = models_of_ranks(ranked_model("trunk"), kOwnRanks);
  const RankedRows rows(1);
  return run_ranks(kOwnRanks, [&](const Group& group) {
    JointTraining joint(
        models[static_cast<size_t>(group->rank())],
        torch::optim::SGDOptions(0.1),
        options(group));
    joint.step(
        with_foreign_labels ? rows_of_all(rows)
                            : rows_of_rank(rows, group->rank()));
  });
}

TEST(TaskParallelJoint, RefusesByNameOnAllRanks) {
  const auto with = [](const TaskOwners& owners) {
    return [owners](const Group& group) {
      return JointTrainingOptions().communicator(group).task_owners(owners);
    };
  };
  for (const auto& error :
       refusals(with(TaskOwners({{{"a", "b c", "class"}, 2}})))) {
    EXPECT_THAT(error, HasSubstr("task_owners for 3 ranks"));
  }
  for (const auto& error :
       refusals(with(TaskOwners({{{"a"}, 2}, {{"class"}, 1}})))) {
    EXPECT_THAT(error, HasSubstr("task 'b c' has no owner"));
  }
  for (const auto& error :
       refusals(with(TaskOwners({{{"a", "b c", "x"}, 2}, {{"class"}, 1}})))) {
    EXPECT_THAT(error, HasSubstr("task_owners has the task 'x'"));
  }
  for (const auto& error : refusals([](const Group& group) {
         return JointTrainingOptions()
             .communicator(group)
             .task_owners(three_owners())
             .grad_scaler(std::make_shared<optim::GradScaler>());
       })) {
    EXPECT_THAT(error, HasSubstr("grad_scaler"));
  }
  const auto foreign = refusals(with(three_owners()), true);
  EXPECT_THAT(foreign[0], HasSubstr("labels of task 'class'"));
  EXPECT_THAT(foreign[2], HasSubstr("labels of task 'a'"));
  const auto others = refusals([](const Group& group) {
    return JointTrainingOptions().communicator(group).task_owners(
        group->rank() == 1 ? TaskOwners({{{"a"}, 1}, {{"b c", "class"}, 2}})
                           : three_owners());
  });
  EXPECT_THAT(others[1], HasSubstr("expected the model of rank 0"));
}

TEST(TaskParallelFit, GoesOnFromACheckpointOfAll) {
  namespace fs = std::filesystem;
  torch::manual_seed(11);
  const MultiTaskModel model = ranked_model("trunk");
  const RankedRows rows(1);
  const data::Dataset valid(rows.input, rows.targets);
  const auto train = [&](const std::string& folder,
                         const std::vector<MultiTaskModel>& models,
                         int64_t epochs) {
    expect_ranks(kOwnRanks, [&](const Group& group) {
      const auto rank = group->rank();
      const bool is_last = rank == 2;
      const auto part = is_last ? rows.input.slice(0, 15, 23)
                                : rows.input.slice(0, 7 * rank, 7 * rank + 7);
      Batch::Targets targets;
      for (const auto& [task, target] : rows.targets) {
        if ((task == "class") == is_last) {
          targets.emplace_back(
              task,
              is_last ? target.slice(0, 15, 23)
                      : target.slice(0, 7 * rank, 7 * rank + 7));
        }
      }
      const MultiTaskModel& own = models[static_cast<size_t>(rank)];
      JointTraining joint(
          own, torch::optim::AdamOptions(0.02), owned_options("", group));
      data::Loader loader(
          data::Dataset(part, targets), data::LoaderOptions().batch_size(4));
      fit::Fit(
          joint,
          loader,
          fit::FitOptions()
              .epochs(epochs)
              .folder(folder)
              .validation(valid)
              .handle_signals(false)
              .events(false)
              .report(false)
              .progress(fit::ProgressKind::kSilent))
          .run();
    });
  };
  const auto folder = [](const char* name) {
    const auto path = fs::path(::testing::TempDir()) / name;
    fs::remove_all(path);
    return path.string();
  };
  const auto whole = models_of_ranks(model, kOwnRanks);
  train(folder("owners_whole"), whole, 6);
  const std::string broken = folder("owners_broken");
  train(broken, models_of_ranks(model, kOwnRanks), 3);
  const auto resumed = models_of_ranks(model, kOwnRanks);
  train(broken, resumed, 6);
  for (size_t rank = 0; rank < kOwnRanks; ++rank) {
    for (size_t i = 0; i < model->parameters().size(); ++i) {
      EXPECT_TRUE(
          whole[rank]->parameters()[i].equal(whole[0]->parameters()[i]));
      EXPECT_TRUE(
          resumed[rank]->parameters()[i].equal(whole[0]->parameters()[i]));
    }
  }
}

} // namespace
} // namespace polytask
