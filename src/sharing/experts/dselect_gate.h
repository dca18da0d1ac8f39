// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/modules/linear.h>

#include <polytask/sharing/experts/dselect_k.h>

#include "sharing/experts/gate.h"

namespace polytask::detail {

/// The gate of DSelect-k: k selectors, each of which writes the number of an
/// expert in binary.
class DSelectGate : public Gate {
 public:
  explicit DSelectGate(const DSelectKOptions& options);

  torch::Tensor shares(const torch::Tensor& rows) override;
  std::shared_ptr<Gate> with_more(int64_t place, int64_t added) override;
  std::shared_ptr<Gate> copy(
      const std::optional<torch::Device>& device) const override;
  int64_t experts() const override {
    return options_.experts();
  }
  torch::Tensor take_loss() override;

 private:
  torch::Tensor smooth_step(const torch::Tensor& values) const;
  torch::Tensor loss_of(const torch::Tensor& selected) const;
  bool is_power_of_two() const {
    return options_.experts() == int64_t{1} << digits_;
  }

  DSelectKOptions options_;
  int64_t digits_;
  torch::nn::Linear digit_logits_{nullptr}; // or, where static:
  torch::nn::Linear selector_logits_{nullptr};
  torch::Tensor digits_parameter_;    // [k · digits]
  torch::Tensor selectors_parameter_; // [k]
  torch::Tensor loss_;
};

} // namespace polytask::detail
