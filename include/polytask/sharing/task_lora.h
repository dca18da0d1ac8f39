// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/input_guard.h>
#include <polytask/core/network.h>
#include <polytask/sharing/sharing.h>

namespace polytask {

namespace detail {
class LowRank;
struct LoRAPlaces;
} // namespace detail

struct POLYTASK_API TaskLoRAOptions {
  /// Whether the layer at this place is adapted.
  using Filter = std::function<bool(const std::string&)>;
  using Ranks = std::map<std::string, int64_t>;

  explicit TaskLoRAOptions(int64_t rank) : rank_(rank) {}

  /// Rank of each task's changes.
  TORCH_ARG(int64_t, rank);
  /// Tasks that have another one, by name.
  TORCH_ARG(Ranks, rank_of);
  /// Their scale s, which is not divided by the rank.
  TORCH_ARG(double, scale) = 2;
  /// Rank of the changes that all tasks share; `rank` unless given, 0 for none.
  TORCH_ARG(std::optional<int64_t>, shared_rank);
  TORCH_ARG(double, shared_scale) = 2;
  /// Whether scales are learned, from those given on.
  TORCH_ARG(bool, trainable_scales) = false;
  /// Which of the trunk's Linear and Conv2d layers are adapted, by their
  /// places, such as "0", or "2.1" for a layer in a Sequential in it; all
  /// unless given.
  TORCH_ARG(Filter, adapts);
  /// Whether the trunk keeps its weights, so that only the changes and the
  /// heads learn. Batch norms still follow their batches while they train.
  TORCH_ARG(bool, freezes_trunk) = false;
};

/// One trunk, whose linear layers and convolutions each task changes by
/// matrices of a low rank of its own (task LoRA): a layer's output for task t
/// is that of the layer with the weight W + s_s B_s A_s + s_t B_t A_t, of a
/// change that all tasks share and its own, on what the layer before gave for
/// this task. At first B is zero, and the features are the trunk's.
///
/// The trunk is a `Sequential`. Of layers that stand in it the output is
/// changed; of layers in other modules in it, such as a `Residual`, the weight,
/// for the time of a forward (one at a time, where threads share a model). What
/// stands before the first layer that is adapted runs once for all tasks, the
/// rest once for each. Each task's changes are its own, the trunk and the
/// shared changes are shared.
///
/// This is MTLoRA's `matrixv2` at each layer, with each task's own stream
/// through the whole trunk, so that `merge` can undo it; for the layers as they
/// stand in that paper's networks see `TaskLoRALayer`.
///
/// Source: A. Agiza, M. Neseem, S. Reda, "MTLoRA: A Low-Rank Adaptation
/// Approach for Efficient Multi-Task Learning", CVPR 2024.
///
/// ```cpp
/// polytask::TaskLoRA lora(
///     trunk, polytask::TaskLoRAOptions(4).freezes_trunk(true));
/// polytask::MultiTaskModel model{lora};
/// torch::nn::Sequential plain = lora->merge("depth"); // when it has learned
/// ```
class POLYTASK_API TaskLoRAImpl : public Sharing {
 public:
  /// Throws where no layer is adapted, one of those stands in the trunk twice,
  /// a rank is below 1 or a scale not finite.
  TaskLoRAImpl(torch::nn::Sequential trunk, TaskLoRAOptions options);
  ~TaskLoRAImpl() override;

  std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks) override;
  torch::Tensor features_of(const torch::Tensor& input, int64_t task) override;
  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;

  /// A trunk without changes, whose output are the features of a task. Throws,
  /// and lists the tasks there are, if there is none of that name.
  torch::nn::Sequential merge(const std::string& task) const;

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  /// The trunk as it was given.
  torch::nn::Sequential trunk() const {
    return trunk_.as<torch::nn::Sequential>();
  }
  const TaskLoRAOptions& options() const {
    return options_;
  }
  /// The places of the layers that are adapted, in their order.
  std::vector<std::string> adapted() const;

 protected:
  void add_task(const std::string& name) override;

 private:
  using Changes = std::vector<std::shared_ptr<detail::LowRank>>;

  /// One for each layer that is adapted, registered in `into`.
  Changes make_changes(
      torch::nn::Module& into, int64_t rank, double scale) const;
  /// What comes before the first layer that is adapted.
  torch::Tensor start(const torch::Tensor& input) const;
  torch::Tensor finish(torch::Tensor hidden, int64_t task) const;
  /// A step of the trunk, whose changes begin at `change`.
  torch::Tensor with_changed_weights(
      size_t place,
      const torch::Tensor& hidden,
      const Changes& own,
      size_t change) const;

  Network trunk_;
  TaskLoRAOptions options_;
  std::unique_ptr<detail::LoRAPlaces> places_;
  detail::InputGuard guard_;
  detail::InputGuard first_guard_;
  std::shared_ptr<torch::nn::Module> shared_;
  std::shared_ptr<torch::nn::Module> by_task_;
  Changes shared_changes_; // none where there is no shared change
  std::vector<Changes> task_changes_;
};

TORCH_MODULE(TaskLoRA);

} // namespace polytask
