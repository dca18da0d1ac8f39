// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <polytask/sharing/experts/expert_sharing.h>

namespace polytask {

struct POLYTASK_API PLEOptions {
  /// From the input up; each level's `in_features` is what the experts below
  /// give.
  PLEOptions(std::vector<ExpertLevelOptions> levels) // NOLINT: implicit
      : levels_(std::move(levels)) {}

  TORCH_ARG(std::vector<ExpertLevelOptions>, levels);
  /// Whether the shared experts have a state of their own, which a gate over
  /// all experts of the level below makes, as in the paper. Else they read each
  /// task's state, as in LibMTL.
  TORCH_ARG(bool, shared_path) = true;
  /// As that of `CGCOptions`.
  TORCH_ARG(bool, shared_first) = false;
  /// Whether methods that read gradients weigh what one task alone uses as what
  /// tasks share.
  TORCH_ARG(bool, own_parts_are_shared) = true;
};

/// Progressive layered extraction: levels of customized gate control, in which
/// the shared experts of a level read what a gate over all experts below gives
/// them. One level is `CGC`.
///
/// Source: H. Tang, J. Liu, M. Zhao, X. Gong, "Progressive Layered Extraction
/// (PLE): A Novel Multi-Task Learning (MTL) Model for Personalized
/// Recommendations", RecSys 2020, section 4.2, equations 5 to 7.
///
/// ```cpp
/// polytask::PLE sharing(polytask::PLEOptions(
///     {polytask::ExpertLevelOptions(64, first).shared_experts(4),
///      polytask::ExpertLevelOptions(128, second).shared_experts(4)}));
/// ```
class POLYTASK_API PLEImpl : public ExpertSharing {
 public:
  explicit PLEImpl(const PLEOptions& options);

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;

 private:
  PLEImpl(const PLEImpl& original, const std::optional<torch::Device>& device);
};

TORCH_MODULE(PLE);

} // namespace polytask
