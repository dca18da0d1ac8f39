// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/adamw.h>

#include <memory>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::optim {

/// LibTorch's AdamW, stepped by one kernel for each parameter group. All that
/// is said of `FusedAdam` holds here too.
///
/// Source: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization",
/// ICLR 2019, algorithm 2.
class POLYTASK_API FusedAdamW : public torch::optim::AdamW {
 public:
  /// Throws what LibTorch's AdamW throws on options out of range.
  explicit FusedAdamW(
      const std::vector<torch::optim::OptimizerParamGroup>& groups,
      torch::optim::AdamWOptions defaults = {});
  explicit FusedAdamW(
      std::vector<torch::Tensor> parameters,
      torch::optim::AdamWOptions defaults = {});
  FusedAdamW(FusedAdamW&&);
  ~FusedAdamW() override;

  /// Updates each parameter that has a gradient; returns what `closure`
  /// returned.
  torch::Tensor step(LossClosure closure = nullptr) override;

  /// Brings the numbers of steps in `state()` in line with those on a device.
  /// Waits for it; does nothing on a CPU, where they always agree.
  void synchronize_steps() const;

  void save(torch::serialize::OutputArchive& archive) const override;
  void load(torch::serialize::InputArchive& archive) override;

 private:
  struct Step;
  std::unique_ptr<Step> step_;
};

} // namespace polytask::optim
