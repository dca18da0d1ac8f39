// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <vector>

#include <polytask/sharing/experts/expert_sharing.h>

namespace polytask {

struct POLYTASK_API MMoEOptions {
  /// As those of `ExpertLevelOptions`.
  MMoEOptions(int64_t in_features, NetworkFactory expert);

  TORCH_ARG(int64_t, in_features);
  TORCH_ARG(NetworkFactory, expert);
  TORCH_ARG(int64_t, experts) = 4;
  TORCH_ARG(std::vector<int64_t>, gate_hidden);
  TORCH_ARG(bool, gate_bias) = true;
  TORCH_ARG(std::string, gate_input);
  /// Adds this times the square of the coefficient of variation of the experts'
  /// load, the sum of the shares that all rows and tasks give them, to the loss
  /// (N. Shazeer et al., ICLR 2017, equation 7).
  TORCH_ARG(double, balance_weight) = 0;
  /// Whether methods that read gradients weigh the gates as what tasks share.
  TORCH_ARG(bool, gates_are_shared) = true;
};

/// Multi-gate mixture of experts: experts that all tasks share, and for each
/// task a gate, which says for each row of the input how much of each expert
/// the task takes: h_t = Σ_e softmax(W_t x)_e f_e(x).
///
/// Source: J. Ma, Z. Zhao, X. Yi, J. Chen, L. Hong, E. H. Chi, "Modeling Task
/// Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts",
/// KDD 2018, equations 5 to 7.
///
/// ```cpp
/// const auto expert = [] {
///   return torch::nn::Sequential(torch::nn::Linear(64, 128),
///   torch::nn::ReLU());
/// };
/// polytask::MultiTaskModel model(
///     polytask::MMoE(polytask::MMoEOptions(64, expert).experts(8)));
/// ```
class POLYTASK_API MMoEImpl : public ExpertSharing {
 public:
  explicit MMoEImpl(const MMoEOptions& options);

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;

 private:
  MMoEImpl(
      const MMoEImpl& original, const std::optional<torch::Device>& device);
};

TORCH_MODULE(MMoE);

} // namespace polytask
