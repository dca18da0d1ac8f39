// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>

#include <polytask/sharing/experts/expert_sharing.h>

namespace polytask {

struct POLYTASK_API DSelectKOptions {
  /// As those of `ExpertLevelOptions`.
  DSelectKOptions(int64_t in_features, NetworkFactory expert);

  TORCH_ARG(int64_t, in_features);
  TORCH_ARG(NetworkFactory, expert);
  /// Not only powers of two.
  TORCH_ARG(int64_t, experts) = 4;
  /// k, the number of selectors of a task: the most experts that it takes in
  /// the end.
  TORCH_ARG(int64_t, nonzeros) = 2;
  /// The width γ of the smooth step, and a hundred times the bound of the
  /// uniform start of what selects.
  TORCH_ARG(double, gamma) = 1;
  /// Whether the input decides what is selected; else each task has one
  /// selection for all rows.
  TORCH_ARG(bool, example_conditioned) = true;
  /// Adds this times the entropy of what each selector selects, summed over
  /// rows, tasks and selectors: it drives them to one expert each.
  TORCH_ARG(double, entropy_weight) = 1e-6;
  /// Adds this times Σ 1/Σ_e p_e where the number of experts is no power of
  /// two, which keeps selectors from codes that no expert has. Sums below 1e-6
  /// count as 1e-6.
  TORCH_ARG(double, reachability_weight) = 1;
  TORCH_ARG(std::string, gate_input);
  /// Whether methods that read gradients weigh the gates as what tasks share.
  TORCH_ARG(bool, gates_are_shared) = true;
};

/// Experts that all tasks share, and for each task a gate that selects k of
/// them: each of k selectors writes the number of an expert in binary, by a
/// smooth step for each digit, which becomes exactly 0 or 1.
///
/// Source: H. Hazimeh, Z. Zhao, A. Chowdhery, M. Sathiamoorthy, Y. Chen,
/// R. Mazumder, L. Hong, E. H. Chi, "DSelect-k: Differentiable Selection in the
/// Mixture of Experts with Applications to Multi-Task Learning", NeurIPS 2021,
/// equations 3 to 6.
class POLYTASK_API DSelectKImpl : public ExpertSharing {
 public:
  explicit DSelectKImpl(const DSelectKOptions& options);

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;

 private:
  DSelectKImpl(
      const DSelectKImpl& original, const std::optional<torch::Device>& device);
};

TORCH_MODULE(DSelectK);

} // namespace polytask
