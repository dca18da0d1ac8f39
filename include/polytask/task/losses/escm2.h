// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <string>

#include <polytask/task/loss_function.h>

namespace polytask {

/// How `ESCM2Loss` corrects the loss of the conversion for being seen after
/// clicks alone. With e the loss of the conversion of a row, p its propensity,
/// `click` 0 or 1, and all sums over the B rows:
enum class ESCM2Mode {
  /// Σ click e min(1 / max(p, floor), clip) / B.
  kIPS,
  /// Σ click e min(1 / max(n p, floor), clip), with n = Σ click: the average
  /// over the clicked rows, whose clip means another thing in each batch. As
  /// PaddleRec's models do it.
  kIPSOverClicks,
  /// Σ [m + (e - m) q + (e - m)² q] / B, with q = min(click / max(p, floor),
  /// clip) and m the imputed loss: doubly robust.
  kDR,
};

/// From the third column of the output to the imputed loss m.
enum class ESCM2Imputation {
  kSoftplus,
  kIdentity,
  /// Though a loss is not bounded by 1; as PaddleRec's models do it.
  kSigmoid,
};

struct POLYTASK_API ESCM2LossOptions {
  TORCH_ARG(ESCM2Mode, mode) = ESCM2Mode::kIPS;
  /// The largest weight of a clicked row. Raise it where fewer than one row in
  /// so many is clicked; infinity for none.
  TORCH_ARG(double, clip) = 15;
  /// The smallest propensity.
  TORCH_ARG(double, floor) = 1e-6;
  /// ε in log(p + ε) and log(1 - p + ε); PaddleRec's models have 1e-4.
  TORCH_ARG(double, log_epsilon) = 0;
  /// Of the corrected loss of the conversion after a click.
  TORCH_ARG(double, counterfactual_weight) = 0.5;
  /// Of the loss of click and conversion over all rows.
  TORCH_ARG(double, global_weight) = 0.5;
  TORCH_ARG(ESCM2Imputation, imputation) = ESCM2Imputation::kSoftplus;
};

/// The loss of ESCM²: of the click, of the conversion after a click corrected
/// for which rows were clicked (see `ESCM2Mode`), and of both together over all
/// rows: mean l(p, click) + w_c C + w_g mean l(p r, conversion), where l is
/// the binary cross entropy, p = σ(first column), r = σ(second column).
///
/// Output: [B, 2], the logits of the click and of the conversion after one;
/// with `kDR` [B, 3], with what becomes the imputed loss. Target: [B, 2] of the
/// output's dtype, click and conversion, each 0 or 1. Rows in which a label is
/// missing are left out; where rows have weights, sums are over w · of each
/// row, scaled so that the weights are 1 on average. The propensity p in the
/// correction gets no gradient; e, m and r do.
///
/// Throws on options that are negative or not numbers, on a clip that is not
/// positive, and on other shapes.
///
/// Source: H. Wang, T.-W. Chang, T. Liu, J. Huang, Z. Chen, C. Yu, R. Li, W.
/// Chu, "ESCM²: Entire Space Counterfactual Multi-Task Model for Post-Click
/// Conversion Rate Estimation", SIGIR 2022; the clip, the
/// floor and the default weights are those of PaddleRec's models.
///
/// ```cpp
/// // click, rate, imputed: networks from the features to [B, 1].
/// model->add_task("escm2", {polytask::JoinedHeads(click, rate, imputed),
///     polytask::ESCM2Loss(polytask::ESCM2LossOptions().mode(
///         polytask::ESCM2Mode::kDR))});
/// // The same networks as tasks to predict with and to judge by metrics.
/// using Step = polytask::FunnelStepOptions;
/// polytask::add_esmm_tasks(model, {Step("click", click).weight(0),
///     Step("conversion", rate).rate_task("rate").weight(0)});
/// polytask::Batch batch(x, {{"escm2", torch::cat({clicked, bought}, 1)}});
/// ```
class POLYTASK_API ESCM2Loss : public LossFunction {
 public:
  explicit ESCM2Loss(ESCM2LossOptions options = {});

  const ESCM2LossOptions& options() const {
    return options_;
  }
  /// Throws, besides, on a label that is present and outside [0, 1], where
  /// labels are in host memory.
  void check(const Labels& labels) const override;
  bool takes_weights() const override {
    return true;
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override {
    return LossForm::of<ESCM2Loss>(LossForm::Kind::kOfOutputs);
  }
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;
  double weigh(const Labels& labels) const override;
  bool can_use(const Labels& labels) const override;

 private:
  at::Tensor entropy(const at::Tensor& logit, const at::Tensor& label) const;
  at::Tensor imputed(const at::Tensor& raw) const;
  at::Tensor corrected(
      const at::Tensor& output,
      const at::Tensor& click,
      const at::Tensor& errors,
      const at::Tensor& row_shares) const;

  ESCM2LossOptions options_;
};

} // namespace polytask
