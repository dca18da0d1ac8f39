// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/pimpl.h>

#include <polytask/core/network.h>
#include <polytask/sharing/sharing.h>

namespace polytask {

/// Hard parameter sharing: one trunk, whose output every task sees. With one
/// shared input the trunk runs once a step.
///
/// Source: R. Caruana, "Multitask Learning: A Knowledge-Based Source of
/// Inductive Bias", ICML 1993.
///
/// ```cpp
/// torch::nn::Sequential trunk(torch::nn::Linear(21, 64), torch::nn::ReLU());
/// polytask::MultiTaskModel model{polytask::HardSharing(trunk)}; // or {trunk}
/// ```
class POLYTASK_API HardSharingImpl : public Sharing {
 public:
  /// `trunk`: any torch::nn module from input to features.
  explicit HardSharingImpl(Network trunk);

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override;
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override;
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const Network& trunk() const {
    return trunk_;
  }

 private:
  Inputs trunk_output(const Inputs& inputs) const;

  Network trunk_;
};

TORCH_MODULE(HardSharing);

} // namespace polytask
