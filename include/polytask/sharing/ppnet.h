// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/sharing/sharing.h>

namespace polytask {

namespace detail {
class PPNetTower;
} // namespace detail

struct POLYTASK_API PPNetOptions {
  PPNetOptions(
      int64_t in_features, int64_t prior_features, std::vector<int64_t> widths)
      : in_features_(in_features),
        prior_features_(prior_features),
        widths_(std::move(widths)) {}

  /// Width of the input, D.
  TORCH_ARG(int64_t, in_features);
  /// Width of the prior, P.
  TORCH_ARG(int64_t, prior_features);
  /// Widths of each task's layers; the last is that of its features.
  TORCH_ARG(std::vector<int64_t>, widths);
  /// Width of the gates' hidden layer; that of the layer which is gated unless
  /// given.
  TORCH_ARG(std::optional<int64_t>, gate_width);
  /// γ, the largest factor.
  TORCH_ARG(double, gamma) = 2;
  /// Whether gates read [prior, input], else [input, prior].
  TORCH_ARG(bool, prior_first) = true;
  /// What the two tensors are called.
  TORCH_ARG(std::string, input_name) = "input";
  TORCH_ARG(std::string, prior_name) = "prior";
};

/// Each task has layers of its own, whose units are scaled by what prior
/// features, such as those of the user, make of them: from h = x on,
/// h := relu(W h + b) ⊙ γ σ(V1 relu(V0 [prior, x] + c0) + c1). Gates send no
/// gradient to x. Nothing is shared but the input: put an `EPNet`, or a trunk,
/// before it with `Preceded`.
///
/// Takes `Inputs` with x [B, D] and prior [B, P], and passes over others. All
/// its parameters are tasks' own.
///
/// Source: J. Chang et al., "PEPNet: Parameter and Embedding Personalized
/// Network for Infusing with Personalized Prior Information", KDD 2023
/// (the parameter network).
///
/// ```cpp
/// polytask::MultiTaskModel model{
///     polytask::PPNet(polytask::PPNetOptions(64, 8, {128, 32}))};
/// model->forward({{"input", x}, {"prior", user}});
/// ```
class POLYTASK_API PPNetImpl : public Sharing {
 public:
  /// Throws unless there are layers, all widths are at least 1 and γ is
  /// positive and finite.
  explicit PPNetImpl(PPNetOptions options);
  ~PPNetImpl() override;

  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;
  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const PPNetOptions& options() const {
    return options_;
  }

 protected:
  void add_task(const std::string& name) override;

 private:
  PPNetOptions options_;
  std::shared_ptr<torch::nn::Module> by_task_;
  std::vector<std::shared_ptr<detail::PPNetTower>> towers_;
};

TORCH_MODULE(PPNet);

} // namespace polytask
