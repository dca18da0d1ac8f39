// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/sgd.h>

#include <memory>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/optim/scaled_step.h>

namespace polytask::optim {

namespace detail {
class Scaling;
} // namespace detail

/// LibTorch's SGD, stepped by one kernel for each parameter group instead of
/// several for each parameter. Options, state and archives are LibTorch's own:
/// each loads what the other saved and goes on from there.
///
/// Without momentum the results are LibTorch's bit for bit; with it they may
/// differ in the last bit.
///
/// Parameters without a gradient are passed over: neither weight decay nor
/// momentum touches them. LibTorch's own step, which is slower, takes what the
/// kernel cannot: parameters or gradients that are sparse, complex or of mixed
/// dtypes, parameters or momentum with gaps or overlaps in memory, half and
/// bfloat16 on a CPU, devices but CPU and CUDA, and everything where this
/// LibTorch has no such kernel.
///
/// Source: I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of
/// initialization and momentum in deep learning", ICML 2013, in the form of
/// LibTorch: the first step of each parameter is not dampened.
class POLYTASK_API FusedSGD : public torch::optim::SGD, public ScaledStep {
 public:
  /// Throws what LibTorch's SGD throws on options out of range.
  FusedSGD(
      const std::vector<torch::optim::OptimizerParamGroup>& groups,
      torch::optim::SGDOptions defaults);
  FusedSGD(
      std::vector<torch::Tensor> parameters, torch::optim::SGDOptions defaults);
  FusedSGD(FusedSGD&&) noexcept;
  ~FusedSGD() override;

  /// Updates each parameter that has a gradient; returns what `closure`
  /// returned. Does not wait for a device.
  torch::Tensor step(LossClosure closure = nullptr) override;

  /// Does not wait for a device, but where a parameter on it is left to
  /// LibTorch's own step, or takes its first step with dampening.
  void step_scaled(
      const at::Tensor& grad_scale, const at::Tensor& found_inf) override;

 private:
  struct Lists;
  void step_groups(detail::Scaling* scaling);
  void step_group(size_t index, detail::Scaling* scaling);

  std::unique_ptr<Lists> lists_;
};

} // namespace polytask::optim
