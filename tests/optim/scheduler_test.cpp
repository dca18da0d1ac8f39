// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/optim/scheduler.h>
#include <polytask/optim/schedulers/chained.h>
#include <polytask/optim/schedulers/cosine.h>
#include <polytask/optim/schedulers/decays.h>
#include <polytask/optim/schedulers/one_cycle.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/sgd.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;

torch::optim::SGD scheduled_optimizer(const std::vector<double>& rates) {
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (const double rate : rates) {
    groups.emplace_back(
        std::vector<torch::Tensor>{at::zeros({1})},
        std::make_unique<torch::optim::SGDOptions>(rate));
  }
  return torch::optim::SGD(groups, torch::optim::SGDOptions(0.1));
}

std::string scheduler_archive(const Scheduler& scheduler) {
  torch::serialize::OutputArchive archive;
  scheduler.save(archive);
  std::ostringstream stream;
  archive.save_to(stream);
  return stream.str();
}

void load_scheduler(Scheduler& scheduler, const std::string& text) {
  std::istringstream stream(text);
  torch::serialize::InputArchive archive;
  archive.load_from(stream);
  scheduler.load(archive);
}

std::string archive_with(
    const std::vector<std::pair<std::string, c10::IValue>>& values) {
  torch::serialize::OutputArchive archive;
  for (const auto& [key, value] : values) {
    archive.write(key, value);
  }
  std::ostringstream stream;
  archive.save_to(stream);
  return stream.str();
}

class SavedScheduler
    : public ::testing::TestWithParam<std::shared_ptr<Scheduler>> {};

TEST_P(SavedScheduler, GoesOnBitForBit) {
  auto optimizer = scheduled_optimizer({0.3, 0.7});
  auto other = scheduled_optimizer({0.1, 0.2});
  const auto whole = GetParam()->clone();
  const auto resumed = GetParam()->clone();
  whole->start(optimizer);
  for (int step = 0; step < 7; ++step) {
    whole->step();
  }
  resumed->start(other);
  load_scheduler(*resumed, scheduler_archive(*whole));
  EXPECT_EQ(resumed->steps(), 7);
  EXPECT_EQ(resumed->initial_rates(), (std::vector<double>{0.3, 0.7}));
  for (int step = 7; step < 20; ++step) {
    EXPECT_EQ(resumed->last_rates(), whole->last_rates());
    EXPECT_EQ(
        other.param_groups()[1].options().get_lr(),
        optimizer.param_groups()[1].options().get_lr());
    whole->step();
    resumed->step();
  }
}

std::shared_ptr<Scheduler> chain_of_two() {
  const ExponentialScheduler exponential(0.9);
  const CosineScheduler cosine(CosineSchedulerOptions(20).warmup_steps(4));
  return std::make_shared<ChainedScheduler>(
      std::vector<const Scheduler*>{&exponential, &cosine});
}

INSTANTIATE_TEST_SUITE_P(
    Schedulers,
    SavedScheduler,
    ::testing::Values(
        std::make_shared<StepScheduler>(StepSchedulerOptions(3)),
        std::make_shared<MultiStepScheduler>(MultiStepSchedulerOptions({5, 9})),
        std::make_shared<ExponentialScheduler>(0.97),
        std::make_shared<CosineScheduler>(
            CosineSchedulerOptions(20).warmup_steps(10)),
        std::make_shared<OneCycleScheduler>(
            OneCycleSchedulerOptions(20).cycle_momentum(true)),
        std::make_shared<LinearScheduler>(LinearSchedulerOptions(7)),
        std::make_shared<PolynomialScheduler>(PolynomialSchedulerOptions(15)),
        chain_of_two()));

TEST(Scheduler, SetsTheFirstRatesAtTheStart) {
  auto optimizer = scheduled_optimizer({0.5, 0.25});
  CosineScheduler scheduler(
      CosineSchedulerOptions(10).warmup_steps(2).start_factor(0.5));
  scheduler.start(optimizer);
  EXPECT_EQ(scheduler.steps(), 0);
  EXPECT_EQ(scheduler.last_rates(), (std::vector<double>{0.25, 0.125}));
  EXPECT_EQ(optimizer.param_groups()[1].options().get_lr(), 0.125);
}

TEST(Scheduler, GoesByTheInitialRateWhateverIsSetByHand) {
  auto optimizer = scheduled_optimizer({1.0});
  ExponentialScheduler scheduler(0.5);
  scheduler.start(optimizer);
  optimizer.param_groups()[0].options().set_lr(77);
  scheduler.step();
  EXPECT_EQ(optimizer.param_groups()[0].options().get_lr(), 0.5);
}

TEST(Scheduler, StartsAnewFromTheRatesThatItFinds) {
  auto optimizer = scheduled_optimizer({1.0});
  ExponentialScheduler scheduler(0.5);
  scheduler.start(optimizer);
  scheduler.step();
  scheduler.start(optimizer);
  EXPECT_EQ(scheduler.steps(), 0);
  EXPECT_EQ(scheduler.initial_rates(), std::vector<double>{0.5});
}

TEST(Scheduler, RefusesToStepOrSaveBeforeTheStart) {
  ExponentialScheduler scheduler(0.5);
  EXPECT_TRUE(says(
      error_of([&] { scheduler.step(); }),
      {"ExponentialScheduler: expected a call of start before step"}));
  EXPECT_TRUE(says(
      error_of([&] { scheduler_archive(scheduler); }),
      {"ExponentialScheduler: expected a call of start before save"}));
}

TEST(Scheduler, RefusesGroupsThatCameLater) {
  auto optimizer = scheduled_optimizer({1.0});
  ExponentialScheduler scheduler(0.5);
  scheduler.start(optimizer);
  optimizer.add_param_group(
      torch::optim::OptimizerParamGroup({at::zeros({1})}));
  EXPECT_TRUE(says(
      error_of([&] { scheduler.step(); }),
      {"expected the 1 parameter groups", "but found 2", "start again"}));
}

TEST(Scheduler, RefusesToSetMomentumWhereThereIsNone) {
  torch::optim::Adagrad optimizer(std::vector<torch::Tensor>{at::zeros({1})});
  OneCycleScheduler scheduler(
      OneCycleSchedulerOptions(10).cycle_momentum(true));
  EXPECT_TRUE(says(
      error_of([&] { scheduler.start(optimizer); }),
      {"OneCycleScheduler: expected an optimizer with momentum"}));
}

TEST(Scheduler, RefusesTheArchiveOfAnotherKind) {
  auto optimizer = scheduled_optimizer({1.0});
  ExponentialScheduler exponential(0.5);
  StepScheduler step(StepSchedulerOptions(2));
  exponential.start(optimizer);
  step.start(optimizer);
  exponential.step();
  EXPECT_TRUE(says(
      error_of([&] { load_scheduler(step, scheduler_archive(exponential)); }),
      {"StepScheduler: expected an archive that a scheduler of its kind wrote",
       "but found one of ExponentialScheduler"}));
  EXPECT_EQ(step.steps(), 0);
}

TEST(Scheduler, RefusesTheArchiveOfOtherGroups) {
  auto one = scheduled_optimizer({1.0});
  auto two = scheduled_optimizer({1.0, 2.0});
  ExponentialScheduler first(0.5);
  ExponentialScheduler second(0.5);
  first.start(one);
  second.start(two);
  EXPECT_TRUE(says(
      error_of([&] { load_scheduler(first, scheduler_archive(second)); }),
      {"expected the rates of 1 parameter groups", "but found 2"}));
}

TEST(Scheduler, RefusesAnArchiveThatNoSchedulerWrote) {
  auto optimizer = scheduled_optimizer({1.0});
  ExponentialScheduler scheduler(0.5);
  scheduler.start(optimizer);
  EXPECT_TRUE(says(
      error_of([&] { load_scheduler(scheduler, archive_with({{"a", 1}})); }),
      {"expected the text 'scheduler' in the archive, but found none"}));
  EXPECT_TRUE(says(
      error_of([&] {
        load_scheduler(
            scheduler,
            archive_with(
                {{"scheduler", "ExponentialScheduler"}, {"steps", -1}}));
      }),
      {"expected a number of steps of at least 0", "found -1"}));
  EXPECT_TRUE(says(
      error_of([&] {
        load_scheduler(
            scheduler,
            archive_with(
                {{"scheduler", "ExponentialScheduler"},
                 {"steps", 1},
                 {"initial_rates", "none"}}));
      }),
      {"initial_rates", "found String"}));
  EXPECT_EQ(scheduler.steps(), 0);
}

} // namespace
} // namespace polytask::optim
