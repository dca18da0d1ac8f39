// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/optim/schedulers/pytorch_rates.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/optim/schedulers/chained.h>
#include <polytask/optim/schedulers/cosine.h>
#include <polytask/optim/schedulers/decays.h>
#include <polytask/optim/schedulers/one_cycle.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

namespace polytask::optim {
namespace {

using ::polytask::testing::kPyTorchSteps;
using Anneal = OneCycleSchedulerOptions::Anneal;

// A scheduler and PyTorch's rates for it.
struct RatesCase {
  std::string name;
  std::shared_ptr<Scheduler> scheduler;
  const double (*rates)[2];
};

std::ostream& operator<<(std::ostream& stream, const RatesCase& each) {
  return stream << each.name;
}

// Two groups with the initial rates of pytorch_rates.py.
template <typename Kind, typename Options>
Kind optimizer_with_two_rates() {
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (const double rate : {0.5, 0.02}) {
    groups.emplace_back(
        std::vector<torch::Tensor>{at::zeros({1})},
        std::make_unique<Options>(rate));
  }
  return Kind(groups, Options(0.1));
}

class PyTorchRates : public ::testing::TestWithParam<RatesCase> {};

TEST_P(PyTorchRates, AreReached) {
  auto optimizer =
      optimizer_with_two_rates<torch::optim::SGD, torch::optim::SGDOptions>();
  const auto scheduler = GetParam().scheduler->clone();
  scheduler->start(optimizer);
  for (int step = 0; step < kPyTorchSteps; ++step) {
    for (size_t group = 0; group < 2; ++group) {
      const double expected = GetParam().rates[step][group];
      const double found = optimizer.param_groups()[group].options().get_lr();
      EXPECT_NEAR(found, expected, 1e-12 * expected + 1e-17) << step;
      EXPECT_EQ(scheduler->last_rates()[group], found);
    }
    scheduler->step();
  }
}

std::shared_ptr<Scheduler> chain_of_three() {
  const ExponentialScheduler exponential(0.9);
  const StepScheduler step(StepSchedulerOptions(4).gamma(0.5));
  const PolynomialScheduler polynomial(
      PolynomialSchedulerOptions(20).power(2.0));
  return std::make_shared<ChainedScheduler>(
      std::vector<const Scheduler*>{&exponential, &step, &polynomial});
}

INSTANTIATE_TEST_SUITE_P(
    Schedulers,
    PyTorchRates,
    ::testing::Values(
        RatesCase{
            "Step",
            std::make_shared<StepScheduler>(StepSchedulerOptions(4).gamma(0.3)),
            ::polytask::testing::kPyTorchStep},
        RatesCase{
            "MultiStep",
            std::make_shared<MultiStepScheduler>(
                MultiStepSchedulerOptions({10, 25, 3, 10}).gamma(0.5)),
            ::polytask::testing::kPyTorchMultiStep},
        RatesCase{
            "Exponential",
            std::make_shared<ExponentialScheduler>(0.9),
            ::polytask::testing::kPyTorchExponential},
        RatesCase{
            "Cosine",
            std::make_shared<CosineScheduler>(
                CosineSchedulerOptions(29).eta_min(0.001)),
            ::polytask::testing::kPyTorchCosine},
        RatesCase{
            "WarmCosine",
            std::make_shared<CosineScheduler>(CosineSchedulerOptions(30)
                                                  .eta_min(0.001)
                                                  .warmup_steps(6)
                                                  .start_factor(0.2)),
            ::polytask::testing::kPyTorchWarmCosine},
        RatesCase{
            "Linear",
            std::make_shared<LinearScheduler>(
                LinearSchedulerOptions(7).start_factor(0.2).end_factor(0.9)),
            ::polytask::testing::kPyTorchLinear},
        RatesCase{
            "Polynomial",
            std::make_shared<PolynomialScheduler>(
                PolynomialSchedulerOptions(20).power(1.5)),
            ::polytask::testing::kPyTorchPolynomial},
        RatesCase{
            "Chained", chain_of_three(), ::polytask::testing::kPyTorchChained},
        RatesCase{
            "OneCycle",
            std::make_shared<OneCycleScheduler>(OneCycleSchedulerOptions(30)),
            ::polytask::testing::kPyTorchOneCycle},
        RatesCase{
            "OneCycleLinear",
            std::make_shared<OneCycleScheduler>(
                OneCycleSchedulerOptions(30)
                    .anneal_strategy(Anneal::kLinear)
                    .pct_start(0.45)
                    .div_factor(10)
                    .final_div_factor(100)),
            ::polytask::testing::kPyTorchOneCycleLinear},
        RatesCase{
            "OneCycleThreePhase",
            std::make_shared<OneCycleScheduler>(
                OneCycleSchedulerOptions(30).three_phase(true)),
            ::polytask::testing::kPyTorchOneCycleThreePhase},
        RatesCase{
            "OneCycleThreePhaseLinear",
            std::make_shared<OneCycleScheduler>(
                OneCycleSchedulerOptions(30)
                    .three_phase(true)
                    .anneal_strategy(Anneal::kLinear)
                    .pct_start(0.4)),
            ::polytask::testing::kPyTorchOneCycleThreePhaseLinear},
        RatesCase{
            "OneCycleFallsOnly",
            std::make_shared<OneCycleScheduler>(
                OneCycleSchedulerOptions(30).pct_start(0)),
            ::polytask::testing::kPyTorchOneCycleFallsOnly}),
    [](const auto& each) { return each.param.name; });

TEST(PyTorchOneCycle, MovesTheMomentumOfSGD) {
  auto optimizer =
      optimizer_with_two_rates<torch::optim::SGD, torch::optim::SGDOptions>();
  OneCycleScheduler scheduler(
      OneCycleSchedulerOptions(30).cycle_momentum(true));
  scheduler.start(optimizer);
  for (int step = 0; step < kPyTorchSteps; ++step) {
    const auto& options = static_cast<const torch::optim::SGDOptions&>(
        optimizer.param_groups()[1].options());
    EXPECT_NEAR(
        options.momentum(),
        ::polytask::testing::kPyTorchOneCycleMomentum[step],
        1e-14);
    scheduler.step();
  }
}

TEST(PyTorchOneCycle, MovesTheFirstBetaOfAdamW) {
  auto optimizer = optimizer_with_two_rates<
      torch::optim::AdamW,
      torch::optim::AdamWOptions>();
  OneCycleScheduler scheduler(
      OneCycleSchedulerOptions(30).cycle_momentum(true));
  scheduler.start(optimizer);
  for (int step = 0; step < kPyTorchSteps; ++step) {
    const auto& options = static_cast<const torch::optim::AdamWOptions&>(
        optimizer.param_groups()[0].options());
    EXPECT_NEAR(
        std::get<0>(options.betas()),
        ::polytask::testing::kPyTorchOneCycleMomentum[step],
        1e-14);
    EXPECT_EQ(std::get<1>(options.betas()), 0.999);
    scheduler.step();
  }
}

} // namespace
} // namespace polytask::optim
