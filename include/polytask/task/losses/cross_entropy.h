// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>

#include <string>

#include <polytask/task/loss_function.h>

namespace polytask {

struct POLYTASK_API CrossEntropyLossOptions {
  /// The label that stands for a missing one.
  TORCH_ARG(int64_t, ignore_index) = Labels::kIgnoreIndex;
  /// A factor for each class, [C]; undefined for none. The mean is then the
  /// weighted one, as in LibTorch.
  TORCH_ARG(at::Tensor, weight);
  /// How much of the target is spread over all classes, 0 to 1.
  TORCH_ARG(double, label_smoothing) = 0.0;
};

/// Cross entropy of class scores: the mean of -log softmax(output)[target] over
/// the labels that are present. Output [B, C] or [B, C, ...], target: class
/// indices, int64, [B] or [B, ...]; for an output [B, C] also [B, 1], a column
/// of a table.
///
/// With weights of classes c and of rows w: Σ w · l / Σ w · c[target], where l
/// has the factor c already; it equals LibTorch's loss of rows that are
/// repeated w times. Where that sum is 0, no label is of use.
///
/// Label smoothing: C. Szegedy et al., "Rethinking the Inception Architecture
/// for Computer Vision", CVPR 2016, section 7.
class POLYTASK_API CrossEntropyLoss : public LossFunction {
 public:
  /// Throws on a smoothing outside [0, 1] and on weights that are not [C],
  /// negative or not finite, or that require a gradient.
  explicit CrossEntropyLoss(CrossEntropyLossOptions options = {});

  const CrossEntropyLossOptions& options() const {
    return options_;
  }
  /// Whether some class has the weight 0; labels of such are of no use.
  bool leaves_classes_out() const {
    return leaves_classes_out_;
  }
  int64_t ignore_index() const override {
    return options_.ignore_index();
  }
  bool takes_weights() const override {
    return true;
  }
  std::string recording_obstacle(at::Device device) const override;
  void pretty_print(std::ostream& stream) const override;

 protected:
  LossForm own_form() const override {
    return LossForm::of<CrossEntropyLoss>(LossForm::Kind::kOfOutputs);
  }
  at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const override;
  double weigh(const Labels& labels) const override;
  bool can_use(const Labels& labels) const override;

 private:
  CrossEntropyLossOptions options_;
  bool leaves_classes_out_ = false;
};

} // namespace polytask
