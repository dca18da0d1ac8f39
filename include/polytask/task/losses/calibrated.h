// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>

#include <string>

#include <polytask/task/loss.h>
#include <polytask/task/loss_function.h>

namespace polytask {

struct POLYTASK_API CalibratedLossOptions {
  /// Of the calibrator.
  TORCH_ARG(double, weight) = 1;
  /// Sum over the rows instead of taking the mean, so that the calibrator
  /// weighs more in larger batches; PaddleRec's models do so, with a weight of
  /// 0.6.
  TORCH_ARG(bool, sum) = false;
};

/// The loss of a task that can only happen after another one, which is punished
/// where it is predicted to be the likelier: inner(own, label) + weight · mean
/// max(σ(own) - σ(previous), 0), over the labels that are present.
/// Output: [B, 2], the logits own and previous, or [B, 1], own alone, where
/// there is nothing to compare: see `CalibratedHead`. Target [B, 1].
///
/// Source: D. Xi et al., "Modeling the Sequential Dependence among Audience
/// Multi-step Conversions with Multi-task Learning in Targeted Display
/// Advertising", KDD 2021 (the calibrator).
///
/// ```cpp
/// polytask::MultiTaskModel model{polytask::AITM(
///     bottom, polytask::AITMOptions(32).hands_previous(true))};
/// model->add_task("click", {click, polytask::BCEWithLogitsLoss()});
/// model->add_task("buy", {polytask::CalibratedHead(buy, click),
///     polytask::CalibratedLoss(polytask::BCEWithLogitsLoss())});
/// ```
class POLYTASK_API CalibratedLoss : public LossFunction {
 public:
  /// Throws unless the weight is finite and not negative.
  explicit CalibratedLoss(Loss inner, CalibratedLossOptions options = {});

  const Loss& inner() const {
    return inner_;
  }
  const CalibratedLossOptions& options() const {
    return options_;
  }
  void check(const Labels& labels) const override;
  int64_t ignore_index() const override;
  bool takes_weights() const override;
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override;
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;
  double weigh(const Labels& labels) const override;
  bool can_use(const Labels& labels) const override;

 private:
  Loss inner_;
  CalibratedLossOptions options_;
};

} // namespace polytask
