// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/data/loader.h>
#include <polytask/fit/fit.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/ranked_job.h"
#include "tests/support/ranks.h"

// Whole trainings of several processes.

namespace polytask {
namespace {

namespace fs = std::filesystem;
using testing::expect_ranks;
using ::testing::HasSubstr;
using testing::models_of_ranks;
using testing::ranked_model;
using testing::RankedRows;
using testing::run_ranks;
using Group = std::shared_ptr<Communicator>;

data::Dataset ranked_dataset(int64_t seed) {
  const RankedRows rows(seed);
  return {rows.input, rows.targets};
}

/// Calls `act` after each step.
class AfterSteps : public fit::Callback {
 public:
  explicit AfterSteps(std::function<void(fit::Fit&)> act)
      : act_(std::move(act)) {}
  void on_step_end(fit::Fit& fit, const StepReport& /*report*/) override {
    act_(fit);
  }
  bool sees_steps() const override {
    return true;
  }

 private:
  std::function<void(fit::Fit&)> act_;
};

/// What each process makes for itself; 23 rows in four batches.
struct RankedFit {
  RankedFit(
      const MultiTaskModel& own,
      const data::Dataset& train,
      const Group& group,
      int64_t batch_size = 6)
      : model(own),
        loader(
            train,
            data::LoaderOptions()
                .batch_size(batch_size)
                .seed(4)
                .shard(group ? group->rank() : 0, group ? group->size() : 1)),
        training(
            model,
            torch::optim::AdamOptions(0.02),
            JointTrainingOptions()
                .balancing(balancing::make("upgrad"))
                .communicator(group)) {
    options.epochs(3)
        .handle_signals(false)
        .events(false)
        .report(false)
        .progress(fit::ProgressKind::kSilent);
  }

  fit::History run() {
    return fit::Fit(training, loader, options).run();
  }

  MultiTaskModel model;
  data::Loader loader;
  JointTraining training;
  fit::FitOptions options;
};

void expect_near(const MultiTaskModel& a, const MultiTaskModel& b) {
  for (size_t i = 0; i < a->parameters().size(); ++i) {
    EXPECT_TRUE(a->parameters()[i].allclose(b->parameters()[i], 1e-8, 1e-9))
        << i;
  }
}

struct FitRanksTest : ::testing::Test {
  FitRanksTest() {
    torch::manual_seed(11);
    model = ranked_model("trunk");
    fs::remove_all(folder);
  }

  std::string folder = (fs::path(::testing::TempDir()) / "fit_ranks").string();
  data::Dataset train = ranked_dataset(1);
  data::Dataset valid = ranked_dataset(2);
  MultiTaskModel model;
};

TEST_F(FitRanksTest, TrainAsOneProcess) {
  const auto models = models_of_ranks(model, 3);
  RankedFit alone(model, train, {});
  alone.options.validation(valid);
  const auto history = alone.run();
  expect_ranks(3, [&](const Group& group) {
    RankedFit own(models[static_cast<size_t>(group->rank())], train, group);
    own.options.validation(valid).folder(folder);
    const auto ranked = own.run();
    expect_near(own.model, model);
    ASSERT_EQ(ranked.records().size(), history.records().size());
    for (size_t i = 0; i < history.records().size(); ++i) {
      const auto& values = history.records()[i].values;
      const auto& others = ranked.records()[i].values;
      ASSERT_EQ(values.size(), others.size());
      for (size_t k = 0; k < values.size(); ++k) {
        EXPECT_EQ(values[k].first, others[k].first);
        EXPECT_NEAR(values[k].second, others[k].second, 1e-8)
            << values[k].first;
      }
    }
  });
  EXPECT_FALSE(fs::is_empty(folder));
}

// Cut in the second epoch, and taken up by other models and loaders.
TEST_F(FitRanksTest, GoOnAfterAnErrorToTheBit) {
  const auto whole = models_of_ranks(model, 2);
  const auto cut = models_of_ranks(model, 2);
  const auto taken_up = models_of_ranks(ranked_model("trunk"), 3);
  expect_ranks(2, [&](const Group& group) {
    RankedFit own(whole[static_cast<size_t>(group->rank())], train, group);
    own.run();
  });
  const auto errors = run_ranks(2, [&](const Group& group) {
    RankedFit own(cut[static_cast<size_t>(group->rank())], train, group);
    own.options.folder(folder)
        .checkpoints(
            fit::CheckpointOptions().every_steps(5).not_within_seconds(0))
        .callback(std::make_shared<AfterSteps>([](const fit::Fit& fit) {
          if (fit.step() == 6) {
            throw std::runtime_error("the power is gone");
          }
        }));
    own.run();
  });
  for (const auto& error : errors) {
    EXPECT_THAT(error, HasSubstr("the power is gone"));
  }
  // With as many ranks, and with one more.
  const std::string copy = folder + "_copy";
  fs::remove_all(copy);
  fs::copy(folder, copy, fs::copy_options::recursive);
  for (const int64_t ranks : {2, 3}) {
    expect_ranks(ranks, [&](const Group& group) {
      const auto& own = taken_up[static_cast<size_t>(group->rank())];
      RankedFit fit(own, train, group);
      fit.options.folder(ranks == 2 ? folder : copy);
      fit.run();
      EXPECT_EQ(fit.training.steps(), 12);
      for (size_t i = 0; i < own->parameters().size(); ++i) {
        if (ranks == 2) {
          EXPECT_TRUE(own->parameters()[i].equal(whole[0]->parameters()[i]))
              << i;
        }
      }
      expect_near(own, whole[0]);
    });
  }
}

TEST_F(FitRanksTest, StopTogether) {
  const auto models = models_of_ranks(model, 2);
  expect_ranks(2, [&](const Group& group) {
    RankedFit own(models[static_cast<size_t>(group->rank())], train, group);
    if (group->rank() == 1) {
      own.options.callback(std::make_shared<AfterSteps>([](fit::Fit& fit) {
        if (fit.step() == 5) {
          fit.stop("enough");
        }
      }));
    }
    const auto history = own.run();
    EXPECT_EQ(own.training.steps(), 5);
    EXPECT_EQ(
        history.stop_reason(),
        group->rank() == 1 ? "enough" : "another rank stopped");
  });
  expect_near(models[0], models[1]);
}

TEST_F(FitRanksTest, RefuseEpochsOfOtherLength) {
  const auto models = models_of_ranks(model, 2);
  const auto others = run_ranks(2, [&](const Group& group) {
    RankedFit own(
        models[static_cast<size_t>(group->rank())],
        train,
        group,
        /*batch_size=*/6 + 6 * group->rank());
    own.run();
  });
  for (const auto& error : others) {
    EXPECT_THAT(error, HasSubstr("the ranks have epochs of different length"));
  }
}

} // namespace
} // namespace polytask
