// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// What every way to share promises, as part of a model that is trained.
#include <gtest/gtest.h>
#include <polytask/balancing/make.h>
#include <polytask/io/weights.h>
#include <polytask/training/alternating_training.h>
#include <polytask/training/joint_training.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>
#include <torch/utils.h>

#include <filesystem>
#include <functional>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/model_checks.h"
#include "tests/support/says.h"
#include "tests/support/sharings.h"

namespace polytask {
namespace {

using testing::error_of;
using testing::expect_same_state;
using testing::model_of;
using testing::says;
using testing::state_of;

class EverySharing : public ::testing::TestWithParam<testing::SharingKind> {
 protected:
  void SetUp() override {
    torch::manual_seed(6);
    model_ = model_of(GetParam());
    batch_ = std::make_unique<Batch>(testing::rows_for(GetParam(), 12).batch());
  }

  const Inputs& inputs() const {
    return batch_->inputs();
  }
  Sharing& sharing() const {
    return model_->sharing();
  }

  // Three steps and the end of an epoch, with draws of their own.
  static void train(const MultiTaskModel& model, const Batch& batch) {
    torch::manual_seed(8);
    JointTraining training(model, torch::optim::AdamOptions(0.05));
    training.step(batch);
    training.end_epoch();
    training.step(batch);
    training.step(batch);
  }

  MultiTaskModel model_ = nullptr;
  std::unique_ptr<Batch> batch_;
};

TEST_P(EverySharing, IsClonedAsItIsAfterATraining) {
  train(model_, *batch_);
  model_->eval();
  testing::expect_deep_clone(model_, inputs());
}

TEST_P(EverySharing, StaysWhereItsCloneIsTrained) {
  train(model_, *batch_);
  const auto before = state_of(*model_);
  const MultiTaskModel copy = clone(model_);
  train(copy, *batch_);
  expect_same_state(state_of(*model_), before);
  const auto own = model_->parameters(), others = copy->parameters();
  bool has_moved = false;
  for (size_t i = 0; i < own.size(); ++i) {
    has_moved = has_moved || !torch::equal(own[i], others[i]);
  }
  EXPECT_TRUE(has_moved);
  // The original learns as the clone did.
  train(model_, *batch_);
  expect_same_state(state_of(*model_), state_of(*copy));
}

TEST_P(EverySharing, IsSavedAndLoadedAfterATraining) {
  train(model_, *batch_);
  torch::manual_seed(11);
  MultiTaskModel other = model_of(GetParam());
  model_->eval();
  other->eval();
  testing::expect_saved_and_loaded(model_, other, inputs());
  model_->train();
  other->train();
  train(model_, *batch_);
  train(other, *batch_);
  expect_same_state(state_of(*other), state_of(*model_));
}

TEST_P(EverySharing, WritesAndReadsItsWeights) {
  train(model_, *batch_);
  for (const char* ending : {".safetensors", ".pt"}) {
    const auto path = (std::filesystem::path(::testing::TempDir()) /
                       ("every_sharing_" + GetParam().name + ending))
                          .string();
    io::save_weights(*model_, path);
    torch::manual_seed(11);
    MultiTaskModel other = model_of(GetParam());
    const auto loaded = io::load_weights(*other, path);
    EXPECT_TRUE(loaded.is_complete()) << loaded;
    expect_same_state(state_of(*other), state_of(*model_));
    std::filesystem::remove(path);
  }
}

TEST_P(EverySharing, TrainsInDouble) {
  train(model_, *batch_);
  model_->to(torch::kDouble);
  const auto before = state_of(*model_);
  torch::manual_seed(6);
  train(model_, testing::rows_for(GetParam(), 12, torch::kDouble).batch());
  bool has_moved = false;
  const auto parameters = model_->parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_EQ(parameters[i].scalar_type(), torch::kDouble);
    EXPECT_TRUE(parameters[i].isfinite().all().item<bool>());
    has_moved = has_moved || !torch::equal(parameters[i], before[i]);
  }
  EXPECT_TRUE(has_moved);
  // A training in double of a clone goes the same way.
  model_->eval();
  testing::expect_deep_clone(
      model_, inputs().map([](const auto& x) { return x.to(torch::kDouble); }));
}

// Each second parameter of the sharing, whoever uses it.
TEST_P(EverySharing, LeavesAFrozenPartAsItWas) {
  const auto parameters = sharing().parameters();
  std::vector<torch::Tensor> frozen, others = model_->heads().parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    auto parameter = parameters[i];
    (i % 2 == 0 ? frozen : others).push_back(parameter);
    parameter.requires_grad_(i % 2 != 0);
  }
  const auto copies = [](const std::vector<torch::Tensor>& tensors) {
    std::vector<torch::Tensor> all;
    for (const auto& tensor : tensors) {
      all.push_back(tensor.detach().clone());
    }
    return all;
  };
  const auto before = copies(frozen);
  // With decay, which moves what has a gradient of 0.
  const auto adam = torch::optim::AdamOptions(0.05).weight_decay(0.1);
  const bool shares = !model_->shared_parameters().empty();
  const std::vector<std::function<std::unique_ptr<Training>()>> trainings{
      [&] { return std::make_unique<JointTraining>(model_, adam); },
      [&] {
        return std::make_unique<JointTraining>(
            model_,
            adam,
            JointTrainingOptions().balancing(
                balancing::make(shares ? "pcgrad" : "uw")));
      },
      [&] {
        return std::make_unique<AlternatingTraining>(
            model_,
            adam,
            AlternatingTrainingOptions().sampler(RoundRobinSampler()));
      }};
  for (const auto& make : trainings) {
    const auto then = copies(others);
    const auto training = make();
    training->run(*batch_, 4);
    expect_same_state(copies(frozen), before);
    EXPECT_FALSE(others.empty());
    bool has_moved = false;
    for (size_t i = 0; i < others.size(); ++i) {
      has_moved = has_moved || !torch::equal(others[i], then[i]);
    }
    EXPECT_TRUE(has_moved);
  }
  for (const auto& parameter : frozen) {
    EXPECT_FALSE(parameter.requires_grad());
  }
  model_->eval();
  testing::expect_deep_clone(model_, inputs());
}

TEST_P(EverySharing, GivesOneTaskAndSomeWhatItGivesAll) {
  train(model_, *batch_);
  model_->eval();
  model_->to(torch::kDouble);
  const Inputs rows =
      inputs().map([](const auto& x) { return x.to(torch::kDouble); });
  testing::expect_one_task_as_all(model_, rows);
  const auto all = model_->features(rows);
  const auto some = sharing().features_for_some(rows, {2, 0});
  ASSERT_EQ(some.size(), 2);
  EXPECT_TRUE(torch::allclose(some[0].tensor(), all[2].tensor(), 1e-12, 1e-12));
  EXPECT_TRUE(torch::allclose(some[1].tensor(), all[0].tensor(), 1e-12, 1e-12));
}

TEST_P(EverySharing, NamesItselfWhereThereIsNoSuchTask) {
  train(model_, *batch_); // what it mixed, and its loss, are there
  const Inputs rows = inputs();
  for (const int64_t place : {-1, 3, 6}) {
    const std::vector<std::function<void()>> calls{
        [&] { sharing().features_for(rows, place); },
        [&] { sharing().features_for_some(rows, {0, place}); },
        [&] { sharing().used_parameters(place); },
        [&] { sharing().task_parameters(place); },
        [&] { model_->features_of(rows, place); },
        [&] {
          if (rows.is_tensor()) {
            sharing().features_of(rows.tensor(), place);
          } else {
            sharing().features_for(rows, place);
          }
        }};
    for (size_t i = 0; i < calls.size(); ++i) {
      EXPECT_THROW(calls[i](), c10::IndexError) << i;
      EXPECT_TRUE(says(
          error_of(calls[i]),
          {GetParam().in_errors + ": it serves 3 tasks",
           "place " + std::to_string(place) + "."}))
          << i;
    }
  }
  for (const int64_t count : {-1, 0, 2, 4}) {
    const auto asked = "asked for " + std::to_string(count) + ".";
    const auto whose = GetParam().in_errors + ": it serves 3 tasks";
    EXPECT_TRUE(says(
        error_of([&] { sharing().features_for_all(rows, count); }),
        {whose, asked}));
    if (rows.is_tensor()) {
      EXPECT_TRUE(says(
          error_of([&] { sharing().features(rows.tensor(), count); }),
          {whose, asked}));
    }
  }
  // It is as it was.
  EXPECT_EQ(model_->forward(rows).size(), 3);
  EXPECT_NO_THROW(sharing().mixing_weights());
}

TEST_P(EverySharing, TellsNothingOfTasksBeforeItServesAny) {
  const auto fresh = GetParam().make();
  EXPECT_NO_THROW(fresh->mixing_weights());
  EXPECT_FALSE(fresh->own_loss({}).defined());
  EXPECT_TRUE(says(
      error_of([&] { fresh->used_parameters(-1); }),
      {GetParam().in_errors, "serves 0 tasks"}));
  EXPECT_TRUE(says(
      error_of([&] { fresh->features_for_some(inputs(), {0}); }),
      {GetParam().in_errors, "serves 0 tasks", "place 0"}));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    EverySharing,
    ::testing::ValuesIn(testing::every_sharing()),
    testing::name_of_kind);

class SharingWithOwnLoss
    : public ::testing::TestWithParam<testing::SharingKind> {};

TEST_P(SharingWithOwnLoss, NamesItselfWhereThereIsNoSuchTask) {
  torch::manual_seed(6);
  MultiTaskModel model = model_of(GetParam());
  const auto inputs = testing::rows_for(GetParam(), 8).inputs();
  for (const int64_t place : {-1, 3, 6}) {
    model->forward(inputs);
    EXPECT_TRUE(says(
        error_of([&] { model->sharing().own_loss({0, place}); }),
        {GetParam().in_errors + ": it serves 3 tasks",
         "place " + std::to_string(place) + "."}));
  }
  model->forward(inputs);
  EXPECT_TRUE(model->sharing().own_loss({0, 2}).isfinite().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(
    All,
    SharingWithOwnLoss,
    ::testing::ValuesIn(testing::sharings_with_own_loss()),
    testing::name_of_kind);

} // namespace
} // namespace polytask
