// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/reduce_lr_on_plateau.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <cmath>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/optim/schedulers/pytorch_rates.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::kPlateauMetrics;
using ::polytask::testing::kPyTorchSteps;
using ::polytask::testing::says;
using Plateau = ReduceLROnPlateauOptions;

torch::optim::SGD optimizer_on_plateau(std::vector<double> rates) {
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (const double rate : rates) {
    groups.emplace_back(
        std::vector<torch::Tensor>{at::zeros({1})},
        std::make_unique<torch::optim::SGDOptions>(rate));
  }
  return torch::optim::SGD(groups, torch::optim::SGDOptions(0.1));
}

struct PlateauCase {
  std::string name;
  ReduceLROnPlateauOptions options;
  const double (*rates)[2];
};

std::ostream& operator<<(std::ostream& stream, const PlateauCase& each) {
  return stream << each.name;
}

class PyTorchPlateau : public ::testing::TestWithParam<PlateauCase> {};

TEST_P(PyTorchPlateau, HasTheSameRatesToTheBit) {
  auto optimizer = optimizer_on_plateau({0.5, 0.02});
  ReduceLROnPlateau scheduler(GetParam().options);
  scheduler.start(optimizer);
  for (int step = 0; step < kPyTorchSteps; ++step) {
    scheduler.step(kPlateauMetrics[step]);
    EXPECT_EQ(
        scheduler.last_rates(),
        (std::vector<double>{
            GetParam().rates[step][0], GetParam().rates[step][1]}))
        << step;
  }
}

TEST_P(PyTorchPlateau, GoesOnFromAnArchiveToTheBit) {
  auto optimizer = optimizer_on_plateau({0.5, 0.02});
  ReduceLROnPlateau first(GetParam().options);
  first.start(optimizer);
  for (int step = 0; step < 13; ++step) {
    first.step(kPlateauMetrics[step]);
  }
  std::stringstream bytes;
  torch::serialize::OutputArchive written;
  first.save(written);
  written.save_to(bytes);

  auto other = optimizer_on_plateau({7, 8});
  ReduceLROnPlateau second(GetParam().options);
  second.start(other);
  torch::serialize::InputArchive archive;
  archive.load_from(bytes);
  second.load(archive);
  EXPECT_EQ(second.last_rates(), first.last_rates());
  EXPECT_EQ(second.best(), first.best());
  EXPECT_EQ(second.num_bad_epochs(), first.num_bad_epochs());
  EXPECT_EQ(second.steps(), 13);
  for (int step = 13; step < kPyTorchSteps; ++step) {
    second.step(kPlateauMetrics[step]);
    EXPECT_EQ(second.last_rates()[0], GetParam().rates[step][0]) << step;
    EXPECT_EQ(second.last_rates()[1], GetParam().rates[step][1]) << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options,
    PyTorchPlateau,
    ::testing::Values(
        PlateauCase{
            "Min",
            Plateau().factor(0.3).patience(1),
            ::polytask::testing::kPyTorchPlateauMin},
        PlateauCase{
            "Max",
            Plateau()
                .mode(Plateau::Mode::kMax)
                .factor(0.5)
                .patience(2)
                .threshold(0.05),
            ::polytask::testing::kPyTorchPlateauMax},
        PlateauCase{
            "Absolute",
            Plateau()
                .factor(0.5)
                .patience(0)
                .threshold(0.02)
                .threshold_mode(Plateau::ThresholdMode::kAbs)
                .cooldown(2),
            ::polytask::testing::kPyTorchPlateauAbsolute},
        PlateauCase{
            "MaxAbsolute",
            Plateau()
                .mode(Plateau::Mode::kMax)
                .factor(0.5)
                .patience(3)
                .threshold(0.1)
                .threshold_mode(Plateau::ThresholdMode::kAbs),
            ::polytask::testing::kPyTorchPlateauMaxAbsolute},
        PlateauCase{
            "Floors",
            Plateau()
                .factor(0.1)
                .patience(0)
                .min_lr(std::vector<double>{0.02, 0.001})
                .eps(0.001),
            ::polytask::testing::kPyTorchPlateauFloors}),
    [](const auto& each) { return each.param.name; });

TEST(ReduceLROnPlateau, RefusesOptionsOutOfRange) {
  const auto error = [](const Plateau& options) {
    return error_of([&] { ReduceLROnPlateau{options}; });
  };
  EXPECT_TRUE(
      says(error(Plateau().factor(1)), {"a factor in [0, 1), but got 1"}));
  EXPECT_TRUE(says(error(Plateau().factor(NAN)), {"a factor in [0, 1)"}));
  EXPECT_TRUE(says(error(Plateau().patience(-1)), {"a patience", "-1"}));
  EXPECT_TRUE(says(error(Plateau().cooldown(-2)), {"a cooldown", "-2"}));
  EXPECT_TRUE(says(error(Plateau().threshold(-3)), {"a threshold", "-3"}));
  EXPECT_TRUE(says(error(Plateau().eps(INFINITY)), {"an eps", "inf"}));
  EXPECT_TRUE(says(
      error(Plateau().min_lr(std::vector<double>{-1})), {"a min_lr", "-1"}));
}

TEST(ReduceLROnPlateau, NeedsAStartAndItsGroups) {
  ReduceLROnPlateau scheduler;
  EXPECT_TRUE(says(
      error_of([&] { scheduler.step(1); }),
      {"ReduceLROnPlateau: expected a call of start before step"}));
  auto three = optimizer_on_plateau({1, 2, 3});
  ReduceLROnPlateau with_two(Plateau().min_lr(std::vector<double>{0.1, 0.2}));
  EXPECT_TRUE(says(
      error_of([&] { with_two.start(three); }),
      {"one for each of the 3 parameter groups, but got 2"}));
  scheduler.start(three);
  three.add_param_group(torch::optim::OptimizerParamGroup({at::zeros({1})}));
  EXPECT_TRUE(says(
      error_of([&] { scheduler.step(1); }), {"the 3 parameter groups", "4"}));
}

TEST(ReduceLROnPlateau, RefusesAnotherArchiveAndChangesNothing) {
  auto optimizer = optimizer_on_plateau({0.5});
  ReduceLROnPlateau scheduler;
  scheduler.start(optimizer);
  scheduler.step(1);
  const auto load_of = [&](ReduceLROnPlateau& from, bool drops_state) {
    std::stringstream bytes;
    torch::serialize::OutputArchive written;
    if (drops_state) {
      written.write("scheduler", c10::IValue("StepScheduler"));
    } else {
      from.save(written);
    }
    written.save_to(bytes);
    torch::serialize::InputArchive archive;
    archive.load_from(bytes);
    return error_of([&] { scheduler.load(archive); });
  };
  auto two = optimizer_on_plateau({1, 2});
  ReduceLROnPlateau of_two;
  of_two.start(two);
  EXPECT_TRUE(says(
      load_of(of_two, false),
      {"the rates of 1 parameter groups in the archive, but found 2"}));
  EXPECT_TRUE(says(load_of(of_two, true), {"its 'scheduler' is missing"}));
  EXPECT_EQ(scheduler.steps(), 1);
  EXPECT_EQ(scheduler.best(), 1);
  EXPECT_EQ(scheduler.last_rates(), std::vector<double>{0.5});
}

TEST(ReduceLROnPlateau, IsSavedAsLibTorchSaves) {
  auto optimizer = optimizer_on_plateau({0.1});
  ReduceLROnPlateau scheduler(Plateau().patience(0));
  scheduler.start(optimizer);
  scheduler.step(1);
  scheduler.step(2);
  std::stringstream file;
  torch::save(scheduler, file);
  auto other_optimizer = optimizer_on_plateau({0.1});
  ReduceLROnPlateau other(Plateau().patience(0));
  other.start(other_optimizer);
  torch::load(other, file);
  EXPECT_EQ(other.steps(), 2);
  EXPECT_EQ(other.last_rates(), scheduler.last_rates());
}

} // namespace
} // namespace polytask::optim
