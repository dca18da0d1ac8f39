// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/ArrayRef.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include <polytask/model/multi_task_model.h>

#include "../kernels/narrow_squares.h"
#include "../kernels/residuals.h"
#include "head_step.h"
#include "linear_layer.h"

namespace polytask::detail {

/// A task and the linear layer that gives its output.
struct OutputLayer {
  int64_t task;
  LinearLayer layer;
};

/// Linear layers that give tasks' outputs, computed together from one feature
/// tensor: one matrix product for all outputs, one for all gradients, and no
/// graph. The parameters stay the layers' own; they are gathered for the
/// product, which costs one part in B of it.
///
/// Losses of a form that is known element by element are differentiated by
/// hand, others, and all of rows with weights, by autograd, on the outputs
/// alone. A loss of no form may look at more than the outputs, so heads with
/// such are not taken.
class LinearHeads {
 public:
  /// Of at least one task, in the model's order. Null, with the reason, unless
  /// all are of one width and every loss is one of polytask's.
  static std::unique_ptr<LinearHeads> make(
      const MultiTaskModel& model,
      std::vector<OutputLayer> layers,
      std::string& reason);

  int64_t width() const {
    return width_;
  }
  /// Whether all of these losses are mean squared errors.
  bool are_squares(c10::ArrayRef<HeadStep> steps) const;
  /// After `backward`: whether the step's loss hangs on the task's outputs.
  bool learns(int64_t task) const {
    return heads_[place(task)].learns;
  }
  const LinearLayer& layer(int64_t task) const {
    return heads_[place(task)].layer;
  }

  at::ScalarType type(int64_t task) const {
    return layer(task).weight->scalar_type();
  }
  /// Looks at what changes from step to step: parameters and labels, for
  /// features [rows, width] of this dtype.
  Obstacle obstacle(
      at::ScalarType type, int64_t rows, c10::ArrayRef<HeadStep> steps) const;

  /// The loss of each task that takes part, at its place in `losses`.
  /// `needs_cotangent`: `backward` will be asked for it.
  void forward(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      bool needs_cotangent,
      std::vector<double>& losses);

  /// Whether `forward` is to look for NaN in the features. It does so in the
  /// first output of each row, which is NaN wherever a feature is, whatever the
  /// weights and labels.
  void watch(bool is_wanted) {
    watches_ = is_wanted;
    saw_nan_ = false;
  }
  /// Since `watch` was called: false only if no feature was NaN.
  bool saw_nan() const {
    return saw_nan_;
  }

  /// The heads' gradients, and that of the features: `cotangent`
  /// [B, width], where it is defined.
  void backward(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      const at::Tensor& cotangent);

  /// After `backward`: `cotangents` [n, B, width], each task's own part of the
  /// features' gradient.
  void cotangents(
      c10::ArrayRef<HeadStep> steps, const at::Tensor& cotangents) const;
  /// Multiplies one head's gradients.
  void scale(int64_t task, double factor);

  /// Sets `.grad` of the heads that took part and clears that of the others.
  void publish(c10::ArrayRef<HeadStep> steps);

 private:
  struct Head {
    int64_t task;
    LinearLayer layer;
    int64_t first; // its first output among all
    LossForm form;
    torch::Tensor weight_gradient;
    torch::Tensor bias_gradient;
    // Of a loss that autograd differentiates, between forward and backward.
    torch::Tensor outputs;
    torch::Tensor loss_value;
    // The loss of the step hangs on the outputs.
    bool learns = true;
  };

  explicit LinearHeads(const MultiTaskModel& model);

  size_t place(int64_t task) const {
    return places_.empty() ? 0 : places_[static_cast<size_t>(task)];
  }
  Head& head(const HeadStep& step) {
    return heads_[place(step.task)];
  }
  const Head& head(const HeadStep& step) const {
    return heads_[place(step.task)];
  }
  /// Else by autograd on the outputs, as where rows have weights.
  bool is_by_hand(const HeadStep& step) const {
    return head(step).form.kind != LossForm::Kind::kOfOutputs &&
        !step.labels->is_weighted();
  }
  template <typename Scalar>
  void cotangents_as(
      c10::ArrayRef<HeadStep> steps, const at::Tensor& cotangents) const;
  Obstacle target_obstacle(const HeadStep& step, int64_t rows) const;
  void prepare(at::ScalarType type);
  int64_t outputs(c10::ArrayRef<HeadStep> steps) const;

  template <typename Scalar>
  void forward_as(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      std::vector<double>& losses);
  template <typename Scalar>
  void narrow(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      std::vector<double>& losses);
  template <typename Scalar>
  const Scalar* gather(c10::ArrayRef<HeadStep> steps);
  /// Forward and backward a block of rows at a time, so that the input is read
  /// from memory once. Only where few outputs leave memory the bottleneck.
  bool fits_blocks(
      const at::Tensor& features, c10::ArrayRef<HeadStep> steps) const;
  template <typename Scalar>
  void blocks(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      std::vector<double>& losses);
  /// The rows [begin, begin + count) of one output, in place.
  template <typename Scalar>
  ResidualSums residuals_of(
      const HeadStep& step,
      int64_t output,
      Scalar* values,
      int64_t begin,
      int64_t count) const;
  template <typename Scalar>
  double loss_of_column(
      const HeadStep& step, int64_t output, Scalar* values, int64_t rows);
  template <typename Scalar>
  Scalar* reserve_residuals(int64_t elements);
  template <typename Scalar>
  double loss_by_autograd(const HeadStep& step, Scalar* values, int64_t rows);
  template <typename Scalar>
  void slopes_by_autograd(const HeadStep& step, Scalar* values, int64_t rows);
  template <typename Scalar>
  void backward_as(
      const at::Tensor& features,
      c10::ArrayRef<HeadStep> steps,
      const at::Tensor& cotangent);

  const MultiTaskModel model_;
  std::vector<Head> heads_;
  std::vector<size_t> places_; // by task; empty where there is one head
  int64_t width_ = 0;
  int64_t outputs_ = 0;
  at::ScalarType type_ = at::ScalarType::Undefined;
  /// [outputs, width]: parameters of the heads that take part, if several.
  torch::Tensor weights_;
  /// [outputs, width] and [outputs], all heads in order.
  torch::Tensor weight_gradients_;
  torch::Tensor bias_gradients_;
  /// [outputs, width]: where only some take part.
  torch::Tensor some_gradients_;
  /// [outputs, B]: outputs, then the loss's derivative.
  torch::Tensor residuals_;
  /// The gradients were computed with the losses.
  bool done_ = false;
  bool watches_ = false;
  bool saw_nan_ = false;
  std::vector<NarrowSquares<float>::Column> float_columns_;
  std::vector<NarrowSquares<double>::Column> double_columns_;
};

} // namespace polytask::detail
