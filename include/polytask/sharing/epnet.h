// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>

namespace polytask {

namespace detail {
class PriorGateImpl;
} // namespace detail

struct POLYTASK_API EPNetOptions {
  EPNetOptions(int64_t in_features, int64_t prior_features)
      : in_features_(in_features), prior_features_(prior_features) {}

  /// Width of the input, D.
  TORCH_ARG(int64_t, in_features);
  /// Width of the prior, P.
  TORCH_ARG(int64_t, prior_features);
  /// Width of the gate's hidden layer; D unless given.
  TORCH_ARG(std::optional<int64_t>, gate_width);
  /// γ, the largest factor.
  TORCH_ARG(double, gamma) = 2;
  /// Whether the gate reads [prior, input], else [input, prior].
  TORCH_ARG(bool, prior_first) = true;
  /// What the two tensors are called.
  TORCH_ARG(std::string, input_name) = "input";
  TORCH_ARG(std::string, prior_name) = "prior";
};

/// Scales each element of an embedding by what prior features, such as those of
/// the domain, make of it: x ⊙ γ σ(V1 relu(V0 [prior, x] + c0) + c1). The gate
/// sends no gradient to x. Takes `Inputs` with x [B, D] and prior [B, P],
/// passes over others, and gives [B, D]: a trunk by itself, the first layer of
/// a `Sequential`, or `Preceded` by it another way to share.
///
/// Source: J. Chang et al., "PEPNet: Parameter and Embedding Personalized
/// Network for Infusing with Personalized Prior Information", KDD 2023
/// (the embedding network).
///
/// ```cpp
/// polytask::EPNet gate(polytask::EPNetOptions(64, 8).prior_name("domain"));
/// auto scaled = gate->forward({{"input", x}, {"domain", d}}); // [B, 64]
/// ```
class POLYTASK_API EPNetImpl : public torch::nn::Cloneable<EPNetImpl> {
 public:
  using OnlyReads = EPNetImpl;

  /// Throws unless the widths are at least 1 and γ is positive and finite.
  explicit EPNetImpl(EPNetOptions options);

  void reset() override;
  torch::Tensor forward(const Inputs& inputs);
  void pretty_print(std::ostream& stream) const override;

  EPNetOptions options;

 private:
  std::shared_ptr<detail::PriorGateImpl> gate_;
};

TORCH_MODULE(EPNet);

} // namespace polytask
