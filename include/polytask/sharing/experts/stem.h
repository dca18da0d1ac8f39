// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/sharing/experts/expert_sharing.h>

namespace polytask {

struct POLYTASK_API STEMOptions {
  /// From the input up.
  STEMOptions(std::vector<ExpertLevelOptions> levels) // NOLINT: implicit
      : levels_(std::move(levels)) {}

  TORCH_ARG(std::vector<ExpertLevelOptions>, levels);
  /// Makes what stands between the input and the first level, such as a table
  /// of embeddings: one for each task, and a shared one. Without it the input
  /// has a tensor for each task, under the task's name, and a shared one.
  TORCH_ARG(NetworkFactory, embedding);
  /// The name of that tensor.
  TORCH_ARG(std::string, shared_input) = "shared";
  /// Whether methods that read gradients weigh what one task alone uses as what
  /// tasks share.
  TORCH_ARG(bool, own_parts_are_shared) = true;
};

/// Shared and task-specific embeddings: each task mixes the experts of all
/// tasks on embeddings of their own, but sends no gradient to those of other
/// tasks; the shared experts learn from all.
///
/// Source: L. Su, J. Pan, X. Wang, X. Xiao, S. Quan, X. Chen, J. Jiang, "STEM:
/// Unleashing the Power of Embeddings for Multi-task Recommendation", AAAI
/// 2024, equations 3 to 6.
///
/// ```cpp
/// polytask::STEM sharing(
///     polytask::STEMOptions({polytask::ExpertLevelOptions(32, expert)})
///         .embedding([] { return torch::nn::EmbeddingBag(1000, 32); }));
/// ```
class POLYTASK_API STEMImpl : public ExpertSharing {
 public:
  explicit STEMImpl(const STEMOptions& options);

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;

 protected:
  void add_task(const std::string& name) override;
  std::vector<Inputs> first_states(
      const Inputs& inputs, const std::vector<bool>& wanted) override;
  std::vector<torch::Tensor> first_parameters(
      const std::vector<bool>& wanted) const override;

 private:
  STEMImpl(
      const STEMImpl& original, const std::optional<torch::Device>& device);

  NetworkFactory embedding_;
  std::string shared_input_;
  std::vector<Network> embeddings_; // of the tasks, then the shared one
  std::shared_ptr<torch::nn::Module> task_embeddings_; // null without
};

TORCH_MODULE(STEM);

} // namespace polytask
