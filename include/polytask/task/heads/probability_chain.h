// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <concepts>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/core/network.h>

namespace polytask {

/// A head of several steps, each of which happens only after the one before,
/// such as impression, click, conversion: networks on the same features that
/// give the logits [B, 1] of each step's probability given the one before. Its
/// output is the logit [B, 1] of the product of those probabilities, so that
/// `BCEWithLogitsLoss` and all metrics of logits work on it.
///
/// log p = Σ log σ(a_i) and log(1 - p) are exact to the last digits also where
/// p is near 0 or 1; gradients stay finite whatever the logits. Half precision
/// gives float32.
///
/// A network that stands in several heads is tied, and counts as shared: it
/// learns from the losses of all of them, and runs once for each.
///
/// Source: X. Ma, L. Zhao, G. Huang, Z. Wang, Z. Hu, X. Zhu, K. Gai, "Entire
/// Space Multi-Task Model: An Effective Approach for Estimating Post-Click
/// Conversion Rate", SIGIR 2018, equation 1.
///
/// ```cpp
/// torch::nn::Linear click(64, 1), rate(64, 1);
/// model->add_task("click", {click, polytask::BCEWithLogitsLoss()});
/// model->add_task("conversion", {polytask::ProbabilityChain(click, rate),
///                                polytask::BCEWithLogitsLoss()});
/// ```
class POLYTASK_API ProbabilityChainImpl : public torch::nn::Module {
 public:
  using OnlyReads = ProbabilityChainImpl;

  /// Throws where there is no step.
  explicit ProbabilityChainImpl(std::vector<Network> steps);
  template <typename... Steps>
    requires(
        sizeof...(Steps) >= 2 && (std::convertible_to<Steps, Network> && ...))
  explicit ProbabilityChainImpl(Steps... steps)
      : ProbabilityChainImpl(
            std::vector<Network>{Network(std::move(steps))...}) {}

  /// Features that every step takes -> [B, 1]. Throws, and names the step,
  /// where one gives another shape than the first.
  torch::Tensor forward(const Inputs& features);
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void pretty_print(std::ostream& stream) const override;

  const std::vector<Network>& steps() const {
    return steps_;
  }

 private:
  std::vector<Network> steps_;
};

TORCH_MODULE(ProbabilityChain);

} // namespace polytask
