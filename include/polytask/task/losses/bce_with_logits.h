// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <optional>
#include <string>

#include <polytask/task/losses/elementwise.h>

namespace polytask {

struct POLYTASK_API BCEWithLogitsLossOptions {
  /// A factor for the positive labels, one for each element of a row: [K] for
  /// an output [B, K]; what broadcasts to a row will do, such as [K, 1, 1] for
  /// [B, K, H, W]. Undefined for none. Put it on the model's device, or each
  /// step copies it there.
  TORCH_ARG(at::Tensor, pos_weight);
};

/// Binary cross entropy of logits: -p y log σ(x) - (1 - y) log(1 - σ(x)), the
/// mean over the labels that are present. Output (logits) and target (0 to 1,
/// floating point) have the same shape [B, ...].
class POLYTASK_API BCEWithLogitsLoss : public ElementwiseLoss {
 public:
  /// Throws unless each `pos_weight` is positive and finite, and where it
  /// requires a gradient, for nobody would train it.
  explicit BCEWithLogitsLoss(BCEWithLogitsLossOptions options = {});
  /// One factor for all positive labels.
  explicit BCEWithLogitsLoss(double pos_weight);

  const BCEWithLogitsLossOptions& options() const {
    return options_;
  }
  /// Throws, besides, on a label that is present and outside [0, 1]. Looks at
  /// labels in host memory; an accelerator would have to be waited for.
  void check(const Labels& labels) const override;
  std::string recording_obstacle(at::Device device) const override;
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override;
  at::Tensor reduce(
      const at::Tensor& output,
      const at::Tensor& target,
      int64_t reduction) const override;

 private:
  BCEWithLogitsLossOptions options_;
  /// The factor, where it is not a tensor that somebody else may write to.
  std::optional<double> factor_;
};

} // namespace polytask
