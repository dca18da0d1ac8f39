// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/network.h>
#include <polytask/sharing/inputs_sharing.h>

namespace polytask {

namespace detail {
class FreshModules;
class TransferAttention;
} // namespace detail

/// How a task weighs its own representation z and what the task before hands
/// on, p.
enum class AITMAttention {
  /// Each by the product of its own query and key; a query, a key and a value
  /// matrix for each step, without bias. As torch-rechub and PaddleRec do.
  kPerStep,
  /// The same by one set of matrices for all steps, with bias. As the
  /// Multitask-Recommendation-Library does.
  kShared,
  /// By the product of the query of z with the key of each; for each step and
  /// each of the two a key and a value matrix, with bias. As EasyRec does.
  kPerItem,
};

struct POLYTASK_API AITMOptions {
  explicit AITMOptions(int64_t width) : width_(width) {}

  /// Width of what each bottom gives, d, and of the features.
  TORCH_ARG(int64_t, width);
  TORCH_ARG(AITMAttention, attention) = AITMAttention::kPerStep;
  /// Whether a ReLU follows the linear layer through which a task hands on.
  TORCH_ARG(bool, rectified_info) = true;
  /// Whether a task sends no gradient to the one before; EasyRec's default.
  TORCH_ARG(bool, stop_gradient) = false;
  /// Whether the heads of all tasks but the first get two tensors, "own" and
  /// "previous", the features of the task before: see `CalibratedHead`.
  TORCH_ARG(bool, hands_previous) = false;
};

/// Tasks that follow each other, such as click, cart and purchase, each of
/// which takes over what the one before knows (AITM). z_t is what the bottom of
/// task t makes of the input; from the second task on, in the model's order,
/// with p = info_t(z_{t-1}) of the task before as it came out of this,
///
/// z_t := Σ_{u in {z_t, p}} w_u V u,  w = softmax over u of <Q u, K u> / √d
///
/// (see `AITMAttention` for the others). One task's features take the bottoms
/// of those before it, and none behind it. What one task alone uses, such as
/// the bottom of the last, is its own; the rest is shared.
///
/// Source: D. Xi et al., "Modeling the Sequential Dependence among Audience
/// Multi-step Conversions with Multi-task Learning in Targeted Display
/// Advertising", KDD 2021 (the transfer). For its calibrator
/// see `CalibratedLoss`.
///
/// ```cpp
/// const auto bottom = [] {
///   return torch::nn::Sequential(torch::nn::Linear(21, 32),
///   torch::nn::ReLU());
/// };
/// polytask::MultiTaskModel model{
///     polytask::AITM(bottom, polytask::AITMOptions(32))};
/// ```
class POLYTASK_API AITMImpl : public InputsSharing {
 public:
  /// `bottom`: makes networks from the input to [B, d]. Throws where there is
  /// none and where the width is not positive.
  AITMImpl(NetworkFactory bottom, AITMOptions options);
  ~AITMImpl() override;

  /// Throws, and names the task, where its bottom gives another shape.
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;
  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const AITMOptions& options() const {
    return options_;
  }

 protected:
  void add_task(const std::string& name) override;

 private:
  struct Step {
    Network bottom;
    torch::nn::Linear info{nullptr}; // not of the first
    std::shared_ptr<detail::TransferAttention> attention = nullptr; // nor this
  };

  void add_step(const std::string& name, Network bottom);
  /// The features of the tasks up to one.
  std::vector<torch::Tensor> chain(const Inputs& inputs, size_t last) const;
  Inputs handed(const std::vector<torch::Tensor>& chain, size_t task) const;
  bool uses(size_t task, size_t step) const;
  std::vector<torch::Tensor> step_parameters(size_t step) const;

  NetworkFactory bottom_;
  AITMOptions options_;
  std::shared_ptr<torch::nn::Module> bottoms_;
  std::shared_ptr<torch::nn::Module> info_;
  /// Those of the steps, or the one of all of them.
  std::shared_ptr<torch::nn::Module> attention_;
  std::vector<Step> steps_;
  std::unique_ptr<detail::FreshModules> known_;
};

TORCH_MODULE(AITM);

} // namespace polytask
