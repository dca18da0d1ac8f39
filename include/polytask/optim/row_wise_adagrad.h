// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/optim/adagrad.h>

#include <memory>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::optim {

/// Those of LibTorch's Adagrad, with its defaults; of another type, so that a
/// training makes the right optimizer of them. Weight decay is for parameters
/// with a dense gradient; a row-wise one throws on it.
struct POLYTASK_API RowWiseAdagradOptions : torch::optim::AdagradOptions {
  RowWiseAdagradOptions(double lr = 1e-2) : AdagradOptions(lr) {}
  RowWiseAdagradOptions(const AdagradOptions& options)
      : AdagradOptions(options) {}

  std::unique_ptr<torch::optim::OptimizerOptions> clone() const override {
    return std::make_unique<RowWiseAdagradOptions>(*this);
  }

  double lr() const {
    return AdagradOptions::lr();
  }
  RowWiseAdagradOptions& lr(double value) {
    AdagradOptions::lr(value);
    return *this;
  }
  double lr_decay() const {
    return AdagradOptions::lr_decay();
  }
  RowWiseAdagradOptions& lr_decay(double value) {
    AdagradOptions::lr_decay(value);
    return *this;
  }
  double weight_decay() const {
    return AdagradOptions::weight_decay();
  }
  RowWiseAdagradOptions& weight_decay(double value) {
    AdagradOptions::weight_decay(value);
    return *this;
  }
  double initial_accumulator_value() const {
    return AdagradOptions::initial_accumulator_value();
  }
  RowWiseAdagradOptions& initial_accumulator_value(double value) {
    AdagradOptions::initial_accumulator_value(value);
    return *this;
  }
  double eps() const {
    return AdagradOptions::eps();
  }
  RowWiseAdagradOptions& eps(double value) {
    AdagradOptions::eps(value);
    return *this;
  }
};

/// Adagrad with one number of state for each row of an embedding table, and
/// LibTorch's Adagrad for all else, so that one optimizer serves a whole model.
///
/// A parameter [N, ...] whose first gradient is sparse (COO, as embeddings with
/// `sparse(true)` have) is row-wise: G_r += mean_j g_rj²,
/// w_r -= lr_t · g_r / (√G_r + eps), with G of shape [N] from
/// `initial_accumulator_value` on and lr_t = lr / (1 + lr_decay · (t - 1)) in
/// its t-th step. Only rows that the gradient has are read and written, in one
/// pass where they are float or double in the host's memory. G is float where
/// the parameter is half or bfloat16. A dense gradient that comes later is
/// taken row-wise, too.
///
/// A parameter whose first gradient is dense is stepped as by
/// torch::optim::Adagrad, element by element; so are the rows of a sparse
/// gradient that comes later.
///
/// Parameters without a gradient are passed over. State begins with a
/// parameter's first step, and archives are those of torch::optim::Adagrad but
/// for the shape of G. Throws, with nothing changed, on weight decay of sparse
/// gradients and row-wise parameters, on a sparse gradient of anything but
/// rows, on complex numbers, and on state of another shape.
///
/// Source: J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for
/// online learning and stochastic optimization", JMLR 2011; by row: V. Gupta et
/// al., "Training recommender systems at scale: communication-efficient model
/// and data parallelism", KDD 2021, in the form of FBGEMM's
/// EXACT_ROWWISE_ADAGRAD and TorchRec's RowWiseAdagrad.
class POLYTASK_API RowWiseAdagrad : public torch::optim::Optimizer {
 public:
  /// Throws on options that are negative or not finite, a group's too.
  explicit RowWiseAdagrad(
      const std::vector<torch::optim::OptimizerParamGroup>& groups,
      const RowWiseAdagradOptions& defaults = {});
  explicit RowWiseAdagrad(
      std::vector<torch::Tensor> parameters,
      const RowWiseAdagradOptions& defaults = {});

  /// Updates each parameter that has a gradient; returns what `closure`
  /// returned.
  torch::Tensor step(LossClosure closure = nullptr) override;

  void save(torch::serialize::OutputArchive& archive) const override;
  /// Throws, with nothing changed, on the archive of another optimizer or of
  /// parameters of other shapes.
  void load(torch::serialize::InputArchive& archive) override;
};

} // namespace polytask::optim
