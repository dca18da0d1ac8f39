// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>
#include <torch/ordered_dict.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/network.h>

namespace polytask {

namespace detail {
class BaseLayer;
class LowRank;
} // namespace detail

/// What a `TaskLoRALayer` gives, with the base layer's output for the input x,
/// L_s the change that all tasks share and L_t that of a task.
enum class TaskLoRAMode {
  /// Shared: base(x) + L_s(x). Tasks: base(x) + L_t(x_t).
  kMatrix,
  /// Shared: base(x) + L_s(x). Tasks: base(x) + L_s(x) + L_t(x_t).
  kMatrixV2,
  /// Tasks: base(x) + L_t(x_t). Shared: base(x) + LayerNorm(Σ of the tasks'
  /// outputs). Of a Linear alone.
  kAddition,
  /// Shared: base(x) + L_s(x). There are no tasks.
  kLoRAOnly,
};

struct POLYTASK_API LoRATaskOptions {
  LoRATaskOptions(std::string name, int64_t rank)
      : name_(std::move(name)), rank_(rank) {}

  TORCH_ARG(std::string, name);
  TORCH_ARG(int64_t, rank);
  /// s, which is not divided by the rank.
  TORCH_ARG(double, scale) = 2;
};

struct POLYTASK_API TaskLoRALayerOptions {
  TORCH_ARG(TaskLoRAMode, mode) = TaskLoRAMode::kMatrix;
  /// Rank and scale of the shared change.
  TORCH_ARG(int64_t, shared_rank) = 4;
  TORCH_ARG(double, shared_scale) = 2;
  TORCH_ARG(std::vector<LoRATaskOptions>, tasks);
  /// Whether scales are learned, from those given on.
  TORCH_ARG(bool, trainable_scales) = false;
};

/// A linear layer or a two-dimensional convolution with changes of a low rank,
/// L(x) = s B A x, for all tasks and for each. A starts as a Linear's weight, B
/// at zero, so that at first all outputs are the base layer's (but for the
/// shared one of `kAddition`). Of a convolution A is one with the layer's
/// kernel and few channels, and B one with a kernel of 1; with groups, B A is
/// the change of the weight as a matrix [out, in / groups · kernel].
///
/// Source: E. J. Hu et al., "LoRA: Low-Rank Adaptation of Large Language
/// Models", ICLR 2022; A. Agiza, M. Neseem, S. Reda, "MTLoRA: A Low-Rank
/// Adaptation Approach for Efficient Multi-Task Learning", CVPR 2024.
///
/// ```cpp
/// polytask::TaskLoRALayer layer(torch::nn::Linear(64, 64),
///     polytask::TaskLoRALayerOptions().tasks({{"seg", 4}, {"depth", 2}}));
/// auto [shared, tasks] = layer->outputs(x);
/// ```
class POLYTASK_API TaskLoRALayerImpl : public torch::nn::Module {
 public:
  using OnlyReads = TaskLoRALayerImpl;
  struct Outputs {
    torch::Tensor shared;
    torch::OrderedDict<std::string, torch::Tensor> tasks;
  };

  /// Throws on a rank below 1, a scale that is not finite, tasks in
  /// `kLoRAOnly` or none in the others, a name that comes twice, a convolution
  /// in `kAddition`, and one that pads with something else than zeros.
  TaskLoRALayerImpl(torch::nn::Linear base, TaskLoRALayerOptions options);
  TaskLoRALayerImpl(torch::nn::Conv2d base, TaskLoRALayerOptions options);
  ~TaskLoRALayerImpl() override;

  /// The shared output.
  torch::Tensor forward(const torch::Tensor& input);
  /// That of a task; `task_input`: x_t, the input unless given.
  torch::Tensor forward_task(
      const torch::Tensor& input,
      const std::string& task,
      const torch::Tensor& task_input = {});
  /// All; `task_inputs`: one for each task, or none.
  Outputs outputs(
      const torch::Tensor& input,
      const std::vector<torch::Tensor>& task_inputs = {});

  /// A layer like the base whose output is the shared one, or that of a task
  /// on the same input. Throws for the shared one of `kAddition`, which is no
  /// linear map.
  Network merge() const;
  Network merge(const std::string& task) const;

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const Network& base() const {
    return base_;
  }
  const TaskLoRALayerOptions& options() const {
    return options_;
  }

 private:
  TaskLoRALayerImpl(Network base, TaskLoRALayerOptions options);
  void check_options() const;
  size_t place(const std::string& task) const;
  torch::Tensor task_output(
      const torch::Tensor& common,
      const torch::Tensor& input,
      size_t task) const;
  /// What a task's change is added to.
  torch::Tensor common(const torch::Tensor& input) const;
  Network merged(const std::vector<const detail::LowRank*>& changes) const;

  Network base_;
  TaskLoRALayerOptions options_;
  std::unique_ptr<detail::BaseLayer> layer_;
  std::shared_ptr<detail::LowRank> shared_; // none in kAddition
  torch::nn::LayerNorm norm_{nullptr};      // in kAddition
  std::vector<std::shared_ptr<detail::LowRank>> tasks_;
};

TORCH_MODULE(TaskLoRALayer);

} // namespace polytask
