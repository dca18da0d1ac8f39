// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>

#include <memory>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/optim/scaled_step.h>

namespace polytask::optim {

namespace detail {
class Scaling;
} // namespace detail

/// LibTorch's Adam or AdamW, stepped by one kernel for each parameter group, or
/// by hand where parameters are small, instead of a dozen kernels for each
/// parameter. Options, state and archives are
/// LibTorch's own: each loads what the other saved and goes on from there.
///
/// Results differ from LibTorch's in the last bits.
///
/// Parameters without a gradient are passed over: neither weight decay nor
/// their moments nor their number of steps changes. LibTorch's own step, which
/// is slower, takes what the kernel cannot: complex parameters, gradients of
/// another dtype, parameters or moments with gaps or overlaps in memory, half
/// and bfloat16 on a CPU, devices but CPU and CUDA, and everything where this
/// LibTorch has no such kernel. Throws on sparse gradients, as LibTorch does.
///
/// On CUDA a step does not wait for the device, and a CUDA graph may record it
/// once each parameter has been stepped; after `load`, or where somebody else
/// has changed the state, record it anew. Graphs count their steps on the
/// device alone; `save` brings the state's `step` in line, as
/// `synchronize_steps` does.
template <typename Base, typename Options, typename State>
class POLYTASK_API FusedAdamOf : public Base, public ScaledStep {
 public:
  /// Throws what LibTorch's optimizer throws on options out of range.
  explicit FusedAdamOf(
      const std::vector<torch::optim::OptimizerParamGroup>& groups,
      Options defaults = {});
  explicit FusedAdamOf(
      std::vector<torch::Tensor> parameters, Options defaults = {});
  FusedAdamOf(FusedAdamOf&&) noexcept;
  ~FusedAdamOf() override;

  /// Updates each parameter that has a gradient; returns what `closure`
  /// returned.
  torch::Tensor step(
      torch::optim::Optimizer::LossClosure closure = nullptr) override;

  /// Does not wait for a device, but where a parameter on it is left to
  /// LibTorch's own step. A step that was left out on a device counts in
  /// `state()` until `save` or `synchronize_steps` brings it in line.
  void step_scaled(
      const at::Tensor& grad_scale, const at::Tensor& found_inf) override;

  /// Brings the numbers of steps in `state()` in line with those on a device.
  /// Waits for it; does nothing on a CPU, where they always agree.
  void synchronize_steps() const;

  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  struct Step;
  void step_groups(detail::Scaling* scaling);

  std::unique_ptr<Step> step_;
};

extern template class FusedAdamOf<
    torch::optim::Adam,
    torch::optim::AdamOptions,
    torch::optim::AdamParamState>;
extern template class FusedAdamOf<
    torch::optim::AdamW,
    torch::optim::AdamWOptions,
    torch::optim::AdamWParamState>;

/// Source: D. Kingma, J. Ba, "Adam: A method for stochastic optimization", ICLR
/// 2015, algorithm 1; `amsgrad`: S. Reddi, S. Kale, S. Kumar, "On the
/// convergence of Adam and beyond", ICLR 2018.
using FusedAdam = FusedAdamOf<
    torch::optim::Adam,
    torch::optim::AdamOptions,
    torch::optim::AdamParamState>;

/// Source: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization",
/// ICLR 2019, algorithm 2.
using FusedAdamW = FusedAdamOf<
    torch::optim::AdamW,
    torch::optim::AdamWOptions,
    torch::optim::AdamWParamState>;

} // namespace polytask::optim
