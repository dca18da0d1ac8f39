// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/optim/pytorch_grad_scaler.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <polytask/optim/clipping.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/optim/grad_scaler.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace polytask::optim {
namespace {

using ::polytask::testing::GradScalerRecord;
using ::polytask::testing::kGradScalerGradients;
using ::polytask::testing::kGradScalerSizes;
using ::polytask::testing::kGradScalerSteps;
using torch::optim::AdamOptions;
using torch::optim::AdamWOptions;
using torch::optim::SGDOptions;

// A run of pytorch_grad_scaler.py, by our optimizer and by LibTorch's.
struct RecordedScaling {
  using Make = std::function<std::unique_ptr<torch::optim::Optimizer>(
      std::vector<torch::Tensor>)>;

  std::string name;
  Make fused;
  Make libtorchs;
  GradScalerOptions scaling;
  double max_norm;
  const GradScalerRecord* record;
};

std::ostream& operator<<(std::ostream& stream, const RecordedScaling& each) {
  return stream << each.name;
}

template <typename Fused, typename LibTorchs, typename Options>
RecordedScaling recorded_scaling(
    std::string name,
    const Options& options,
    const GradScalerOptions& scaling,
    double max_norm,
    const GradScalerRecord* record) {
  return {
      std::move(name),
      [options](auto parameters) {
        return std::make_unique<Fused>(std::move(parameters), options);
      },
      [options](auto parameters) {
        return std::make_unique<LibTorchs>(std::move(parameters), options);
      },
      scaling,
      max_norm,
      record};
}

class PyTorchGradScaler : public ::testing::TestWithParam<RecordedScaling> {
 protected:
  // The scale and the growth tracker are PyTorch's to the bit. The parameters
  // are, too, where both optimizers are fused and the processor has what the
  // recording one had; others multiply and add by two instructions.
  static void expect_record(const RecordedScaling::Make& make) {
    std::vector<torch::Tensor> parameters;
    for (const int size : kGradScalerSizes) {
      parameters.push_back(at::linspace(-1, 1, size).requires_grad_());
    }
    const auto optimizer = make(parameters);
    GradScaler scaler(GetParam().scaling);
    for (int step = 0; step < kGradScalerSteps; ++step) {
      optimizer->zero_grad();
      scaler.scale(loss_of(step, parameters)).backward();
      for (const auto& parameter : parameters) {
        // As computed in half.
        parameter.grad().copy_(parameter.grad().to(at::kHalf));
      }
      if (GetParam().max_norm > 0) {
        scaler.unscale_(*optimizer);
        Clipping::by_norm(GetParam().max_norm)
            .apply({parameters[0].grad(), parameters[1].grad()});
      }
      scaler.step(*optimizer);
      scaler.update();
      const GradScalerRecord& expected = GetParam().record[step];
      EXPECT_EQ(scaler.get_scale(), expected.scale) << step;
      EXPECT_EQ(scaler.get_growth_tracker(), expected.growth_tracker) << step;
      const torch::Tensor found = at::cat(parameters).detach();
      for (int64_t i = 0; i < found.numel(); ++i) {
        const float value = expected.parameters[i];
        EXPECT_NEAR(
            found[i].item<float>(),
            value,
            1e-6F * std::max(1.0F, std::abs(value)))
            << step;
      }
    }
  }

 private:
  static torch::Tensor loss_of(
      int step, const std::vector<torch::Tensor>& parameters) {
    const float* gradient = kGradScalerGradients[step];
    torch::Tensor loss;
    for (const auto& parameter : parameters) {
      const auto size = static_cast<size_t>(parameter.numel());
      const auto part =
          (parameter * at::tensor(at::ArrayRef<float>(gradient, size))).sum();
      loss = loss.defined() ? loss + part : part;
      gradient += size;
    }
    return loss;
  }
};

TEST_P(PyTorchGradScaler, IsFollowedWithFusedOptimizers) {
  expect_record(GetParam().fused);
}

TEST_P(PyTorchGradScaler, IsFollowedWithLibTorchsOptimizers) {
  expect_record(GetParam().libtorchs);
}

std::vector<RecordedScaling> recorded_scalings() {
  const auto large = GradScalerOptions().growth_interval(3);
  const auto small = GradScalerOptions().init_scale(2048).growth_interval(3);
  const auto odd = GradScalerOptions()
                       .init_scale(20000.1)
                       .growth_factor(1.7)
                       .backoff_factor(0.3)
                       .growth_interval(4);
  const auto sgd =
      SGDOptions(0.1).momentum(0.9).dampening(0.1).weight_decay(0.01);
  const auto adam = AdamOptions(0.05).weight_decay(0.01).amsgrad(true);
  const auto adamw = AdamWOptions(0.05).weight_decay(0.1);
  const auto sgd_case =
      recorded_scaling<FusedSGD, torch::optim::SGD, SGDOptions>;
  const auto adam_case =
      recorded_scaling<FusedAdam, torch::optim::Adam, AdamOptions>;
  const auto adamw_case =
      recorded_scaling<FusedAdamW, torch::optim::AdamW, AdamWOptions>;
  return {
      sgd_case("SGD", sgd, small, 0, ::polytask::testing::kGradScalerSGD),
      sgd_case(
          "SGDClipped",
          sgd,
          small,
          1,
          ::polytask::testing::kGradScalerSGDClipped),
      sgd_case(
          "SGDFirstOverflows",
          sgd,
          large,
          0,
          ::polytask::testing::kGradScalerSGDFirstOverflows),
      sgd_case(
          "SGDOddScales",
          SGDOptions(0.1),
          odd,
          0,
          ::polytask::testing::kGradScalerSGDOddScales),
      adam_case("Adam", adam, large, 0, ::polytask::testing::kGradScalerAdam),
      adam_case(
          "AdamClipped",
          adam,
          odd,
          1,
          ::polytask::testing::kGradScalerAdamClipped),
      adamw_case("AdamW", adamw, odd, 0, ::polytask::testing::kGradScalerAdamW),
      adamw_case(
          "AdamWClipped",
          adamw,
          large,
          1,
          ::polytask::testing::kGradScalerAdamWClipped)};
}

INSTANTIATE_TEST_SUITE_P(
    Runs,
    PyTorchGradScaler,
    ::testing::ValuesIn(recorded_scalings()),
    [](const auto& each) { return each.param.name; });

} // namespace
} // namespace polytask::optim
