// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <utility>

#include <polytask/sharing/experts/expert_sharing.h>

namespace polytask {

struct POLYTASK_API CGCOptions {
  CGCOptions(ExpertLevelOptions level) // NOLINT: meant to be implicit
      : level_(std::move(level)) {}

  TORCH_ARG(ExpertLevelOptions, level);
  /// Whether a gate counts the shared experts before the task's own, as LibMTL
  /// does; other implementations do not. It decides no more than the order of
  /// its outputs.
  TORCH_ARG(bool, shared_first) = false;
  /// Whether methods that read gradients weigh a task's gate and experts as
  /// what tasks share.
  TORCH_ARG(bool, own_parts_are_shared) = true;
};

/// Customized gate control: each task mixes experts of its own with those that
/// all share.
///
/// Source: H. Tang, J. Liu, M. Zhao, X. Gong, "Progressive Layered Extraction
/// (PLE): A Novel Multi-Task Learning (MTL) Model for Personalized
/// Recommendations", RecSys 2020, equations 1 to 4.
///
/// ```cpp
/// polytask::MultiTaskModel model(polytask::CGC(
///     polytask::ExpertLevelOptions(64, expert).shared_experts(4)));
/// ```
class POLYTASK_API CGCImpl : public ExpertSharing {
 public:
  explicit CGCImpl(const CGCOptions& options);

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;

 private:
  CGCImpl(const CGCImpl& original, const std::optional<torch::Device>& device);
};

TORCH_MODULE(CGC);

} // namespace polytask
