// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <string>

#include <polytask/core/inputs.h>

namespace polytask::detail {

struct PriorGateForm {
  int64_t in_features;
  int64_t hidden;
  int64_t out_features;
  double gamma;
};

/// γ σ(V1 relu(V0 u + c0) + c1): [B, in] -> [B, out], from 0 to γ.
class PriorGateImpl : public torch::nn::Cloneable<PriorGateImpl> {
 public:
  explicit PriorGateImpl(PriorGateForm form);
  void reset() override;
  torch::Tensor forward(const torch::Tensor& input);
  void pretty_print(std::ostream& stream) const override;

 private:
  PriorGateForm form_;
  torch::nn::Linear hidden_{nullptr};
  torch::nn::Linear output_{nullptr};
};

TORCH_MODULE(PriorGate);

/// What a gate reads, and how that is told in messages.
struct PriorReading {
  const char* who;
  int64_t in_features;
  int64_t prior_features;
  std::string input_name;
  std::string prior_name;
  bool prior_first;
};

/// The input, [B, in], and what gates read: [B, in + prior], to which the input
/// gives no gradient. Throws, and names the tensor, on another shape.
struct PriorInput {
  torch::Tensor input;
  torch::Tensor gate_input;
};
PriorInput read_prior(const PriorReading& reading, const Inputs& inputs);

/// Throws, and names the option, unless each width is at least 1 and γ is
/// positive and finite.
void check_prior_options(const PriorReading& reading, double gamma);
void check_prior_width(const char* who, const char* what, int64_t width);

} // namespace polytask::detail
