// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <polytask/core/network.h>

namespace polytask::detail {

/// What share of each of n experts a row takes: [B, in] -> [B, n].
class Gate : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;

  virtual torch::Tensor shares(const torch::Tensor& rows) = 0;
  /// A gate over `added` more experts, which begin at `place`; what this one
  /// has learned of the others is kept.
  virtual std::shared_ptr<Gate> with_more(int64_t place, int64_t added) = 0;
  virtual std::shared_ptr<Gate> copy(
      const std::optional<torch::Device>& device) const = 0;
  virtual int64_t experts() const = 0;
  /// Of the forward before, in training mode: a loss that is its own; gives it
  /// once. Undefined where there is none.
  virtual torch::Tensor take_loss() {
    return {};
  }
};

struct GateForm {
  int64_t in_features;
  std::vector<int64_t> hidden;
  bool bias;
};

/// A softmax over what a linear layer, or several with ReLU between them, make
/// of a row.
class SoftmaxGate : public Gate {
 public:
  SoftmaxGate(GateForm form, int64_t experts);
  SoftmaxGate(GateForm form, int64_t experts, Network logits);

  torch::Tensor shares(const torch::Tensor& rows) override;
  std::shared_ptr<Gate> with_more(int64_t place, int64_t added) override;
  std::shared_ptr<Gate> copy(
      const std::optional<torch::Device>& device) const override;
  int64_t experts() const override {
    return experts_;
  }
  const Network& logits() const {
    return logits_;
  }

 private:
  GateForm form_;
  int64_t experts_;
  Network logits_;
};

} // namespace polytask::detail
