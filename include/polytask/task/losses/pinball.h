// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include <polytask/task/loss_function.h>

namespace polytask {

/// The pinball loss of quantile regression: with r = target - output_q,
/// max(q r, (q - 1) r), the mean over quantiles and the labels that are
/// present. Output [B, Q], one column for each quantile; target [B, 1].
///
/// Source: R. Koenker, G. Bassett, "Regression Quantiles", Econometrica 46
/// (1978).
class POLYTASK_API PinballLoss : public LossFunction {
 public:
  /// Throws unless there is a quantile and each lies between 0 and 1.
  explicit PinballLoss(std::vector<double> quantiles);

  const std::vector<double>& quantiles() const {
    return quantiles_;
  }
  bool takes_weights() const override {
    return true;
  }
  std::string recording_obstacle(at::Device /*device*/) const override {
    return "";
  }
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override {
    return LossForm::of<PinballLoss>(LossForm::Kind::kOfOutputs);
  }
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;

 private:
  std::vector<double> quantiles_;
};

} // namespace polytask
