// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// A training of any sharing that is stopped in the middle of an epoch and taken
// up again by a model, a training and a loader that are made anew.
#include <polytask/fit/fit.h>

#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <cmath>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <tuple>

#include "tests/support/sharings.h"

namespace polytask {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kStopsAfter = 6; // of 4 in each of 3 epochs

enum class HowTrained { kJoint, kBalanced, kAlternating };

const char* name_of_how(HowTrained how) {
  switch (how) {
    case HowTrained::kJoint:
      return "Joint";
    case HowTrained::kBalanced:
      return "Balanced";
    default:
      return "Alternating";
  }
}

std::unique_ptr<Training> training_as(
    const MultiTaskModel& model, HowTrained how) {
  const torch::optim::AdamOptions adam(0.02);
  if (how == HowTrained::kAlternating) {
    return std::make_unique<AlternatingTraining>(
        model, adam, AlternatingTrainingOptions().seed(5));
  }
  JointTrainingOptions options;
  if (how == HowTrained::kBalanced) {
    // Where nothing is shared there are no gradients to project.
    options.balancing(
        balancing::make(model->shared_parameters().empty() ? "uw" : "pcgrad"));
  }
  return std::make_unique<JointTraining>(model, adam, options);
}

// Its rows are the same whatever the seed, its weights are not.
struct SharingJob {
  SharingJob(const testing::SharingKind& kind, HowTrained how, uint64_t seed)
      : loader(rows(kind), data::LoaderOptions().batch_size(7).seed(2)) {
    torch::manual_seed(seed);
    model = testing::model_of(kind);
    training = training_as(model, how);
  }

  static data::Dataset rows(const testing::SharingKind& kind) {
    torch::manual_seed(3);
    return testing::rows_for(kind, 26);
  }

  fit::History run(
      const fs::path& folder, std::shared_ptr<fit::Callback> callback = {}) {
    auto options = fit::FitOptions()
                       .epochs(3)
                       .folder(folder.string())
                       .events(false)
                       .report(false)
                       .progress(fit::ProgressKind::kSilent);
    if (callback) {
      options.callback(std::move(callback));
    }
    return fit::Fit(*training, loader, options).run();
  }

  data::Loader loader;
  MultiTaskModel model = nullptr;
  std::unique_ptr<Training> training;
};

struct PowerCut : std::exception {};

struct CutsThePower : fit::Callback {
  void on_step_end(fit::Fit& fit, const StepReport&) override {
    if (fit.step() == kStopsAfter) {
      throw PowerCut();
    }
  }
};

// Tasks that were not drawn have no loss, NaN.
void expect_same_history(const fit::History& a, const fit::History& b) {
  ASSERT_EQ(a.records().size(), b.records().size());
  for (size_t i = 0; i < a.records().size(); ++i) {
    const auto& values = a.records()[i].values;
    const auto& others = b.records()[i].values;
    ASSERT_EQ(values.size(), others.size());
    for (size_t j = 0; j < values.size(); ++j) {
      EXPECT_EQ(values[j].first, others[j].first);
      const double value = values[j].second, other = others[j].second;
      EXPECT_TRUE(value == other || (std::isnan(value) && std::isnan(other)))
          << values[j].first << ' ' << value << ' ' << other;
    }
  }
}

class EverySharingIsTakenUp
    : public ::testing::TestWithParam<
          std::tuple<testing::SharingKind, HowTrained>> {
 protected:
  SharingJob job(uint64_t seed) const {
    const auto& [kind, how] = GetParam();
    return {kind, how, seed};
  }
  void SetUp() override {
    const auto& [kind, how] = GetParam();
    folder_ = fs::path(::testing::TempDir()) /
        ("every_sharing_" + kind.name + name_of_how(how));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override {
    fs::remove_all(folder_);
  }

  fs::path folder_;
};

TEST_P(EverySharingIsTakenUp, ToTheBit) {
  SharingJob whole = job(1);
  const auto at_start = testing::state_of(*whole.model);
  const auto expected = whole.run(folder_ / "whole");
  SharingJob first = job(1);
  testing::expect_same_state(testing::state_of(*first.model), at_start);
  const auto parts = folder_ / "parts";
  EXPECT_THROW(first.run(parts, std::make_shared<CutsThePower>()), PowerCut);

  SharingJob second = job(9);
  torch::manual_seed(99);
  const auto history = second.run(parts);
  EXPECT_EQ(second.training->steps(), whole.training->steps());
  EXPECT_EQ(second.training->steps(), 12);
  testing::expect_same_state(
      testing::state_of(*second.model), testing::state_of(*whole.model));
  expect_same_history(history, expected);
  // Nor do they part in what is not seen yet: moments, draws, the loader.
  for (SharingJob* each : {&whole, &second}) {
    torch::manual_seed(4);
    each->training->step(each->loader.next_endless());
  }
  testing::expect_same_state(
      testing::state_of(*second.model), testing::state_of(*whole.model));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    EverySharingIsTakenUp,
    ::testing::Combine(
        ::testing::ValuesIn(testing::every_sharing()),
        ::testing::Values(
            HowTrained::kJoint,
            HowTrained::kBalanced,
            HowTrained::kAlternating)),
    [](const auto& given) {
      return std::get<0>(given.param).name +
          name_of_how(std::get<1>(given.param));
    });

} // namespace
} // namespace polytask
