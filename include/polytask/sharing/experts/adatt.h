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

struct POLYTASK_API AdaTTOptions {
  /// From the input up. Without shared experts, as is the default, it is the
  /// paper's AdaTT-sp; with some, its general form.
  AdaTTOptions(std::vector<ExpertLevelOptions> levels) // NOLINT: implicit
      : levels_(std::move(levels)) {}

  TORCH_ARG(std::vector<ExpertLevelOptions>, levels);
  /// Whether a mixture also gets the task's own experts by weights of their
  /// own, which start in U(-1/√n, 1/√n) for n experts; weights of 1, not
  /// learned, where everyone has one expert. Off only to see what it is for.
  TORCH_ARG(bool, own_residual) = true;
  /// Whether methods that read gradients weigh what one task alone uses as what
  /// tasks share.
  TORCH_ARG(bool, own_parts_are_shared) = true;
};

/// Adaptive task-to-task fusion: at each level each task mixes the experts of
/// all tasks, and adds its own by weights that no gate decides.
///
/// Source: D. Li, Z. Zhang, S. Yuan, M. Gao, W. Zhang, C. Yang, X. Liu, J.
/// Yang, "AdaTT: Adaptive Task-to-Task Fusion Network for Multitask Learning in
/// Recommendations", KDD 2023, equations 4 to 8.
///
/// ```cpp
/// polytask::AdaTT sharing(polytask::AdaTTOptions(
///     {polytask::ExpertLevelOptions(64, first),
///      polytask::ExpertLevelOptions(128, second)}));
/// ```
class POLYTASK_API AdaTTImpl : public ExpertSharing {
 public:
  explicit AdaTTImpl(const AdaTTOptions& options);

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;

 private:
  AdaTTImpl(
      const AdaTTImpl& original, const std::optional<torch::Device>& device);
};

TORCH_MODULE(AdaTT);

} // namespace polytask
