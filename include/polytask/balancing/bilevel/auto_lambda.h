// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <optional>

#include <polytask/balancing/bilevel_balancing.h>
#include <polytask/balancing/described.h>

namespace polytask::balancing {

struct POLYTASK_API AutoLambdaOptions {
  /// Adam's rate for the logits.
  TORCH_ARG(double, outer_lr) = 1e-3;
  /// η, of the trial step; that of the model's optimizer if there is none.
  TORCH_ARG(std::optional<double>, model_lr) = std::nullopt;
};

/// Learns weights that lower the sum of all losses on other data after one step
/// with them. With θ' = θ - η ∇(z·L(θ; inner)), D = ∇ΣL(θ'; outer) and ε = 0.01
/// / |D|, the logits' gradient is
///
///   -η S (L(θ + ε D; inner) - L(θ - ε D; inner)) / 2ε,   S = diag(z) - z zᵀ,
///
/// a finite difference for the products of D with the inner losses' gradients.
/// Where D is 0 the logits stay.
///
/// Cost: two backward and four forward passes, whatever T is. State: that of
/// `BilevelBalancing`. Throws where the optimizer has several learning rates
/// and `model_lr` is not given.
///
/// Source: S. Liu, S. James, A. Davison, E. Johns, "Auto-Lambda: disentangling
/// dynamic task relationships", TMLR 2022. As in LibMTL, z is on the simplex
/// and the trial step is one of SGD; the authors learn the weights themselves,
/// from 0.1, and their trial step has momentum and weight decay.
class POLYTASK_API AutoLambda : public Described<AutoLambda, BilevelBalancing> {
 public:
  /// Throws unless the rates are positive.
  explicit AutoLambda(AutoLambdaOptions options = {});
  static const detail::Description& description();

 protected:
  Update compute(BilevelProblem& problem) override;

 private:
  AutoLambdaOptions options_;
};

} // namespace polytask::balancing
