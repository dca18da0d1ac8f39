// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <ostream>
#include <string>

#include <polytask/core/api.h>
#include <polytask/core/labels.h>
#include <polytask/task/loss_form.h>

namespace polytask {

/// A loss that knows about missing labels: the mean over the labels that are
/// present, each with the weight of its row where rows have weights. Derive
/// from it to write one of your own that does the same; any callable will do
/// where that is not needed (see `Loss`).
///
/// No loss is computed in half precision: float16 and bfloat16 outputs, and
/// labels of such a precision, are turned to float32 first, and the loss is
/// float32.
class POLYTASK_API LossFunction {
 public:
  virtual ~LossFunction() = default;

  /// The mean loss over the labels of `target` [B, ...] that are present: a
  /// scalar; 0 if none is.
  at::Tensor operator()(
      const at::Tensor& output, const at::Tensor& target) const;

  /// The same for labels that were looked through already; 0 if none is
  /// present.
  at::Tensor operator()(const at::Tensor& output, const Labels& labels) const;

  /// Whether any label that this loss can use is present, under its own ignore
  /// index.
  bool has_label(const Labels& labels) const;

  /// What the sum over these labels is divided by to give the loss, so that the
  /// mean over the rows of several batches is that of their losses by this
  /// weight. Waits for a device where rows have weights.
  double total_weight(const Labels& labels) const;

  /// Throws where these labels can be none of this loss, such as rows with
  /// weights that it does not take. `operator()` asks too; a training asks
  /// before it touches the model.
  virtual void check(const Labels& labels) const;

  /// The integer label that stands for a missing one.
  virtual int64_t ignore_index() const {
    return Labels::kIgnoreIndex;
  }

  /// Whether `evaluate` heeds `Labels::weights()`. A loss that does not is
  /// never given rows with weights: they are refused.
  virtual bool takes_weights() const {
    return false;
  }

  /// By which the engine may differentiate it faster. Unknown where a class
  /// derives from one that has a form and says nothing of its own.
  LossForm form() const;

  /// Why a graph of device kernels cannot record it, with missing labels too;
  /// empty where it neither waits for that device, nor copies from the host,
  /// nor makes tensors whose shape depends on values. Asked of losses that have
  /// a form.
  virtual std::string recording_obstacle(at::Device device) const;

  /// Prints a constructor call.
  virtual void pretty_print(std::ostream& stream) const = 0;

 protected:
  /// The loss itself; at least one label is present.
  virtual at::Tensor evaluate(
      const at::Tensor& output, const Labels& labels) const = 0;

  /// For a loss of a known form: `LossForm::of<Mine>(kind)`.
  virtual LossForm own_form() const {
    return {};
  }

  /// `total_weight` where a label is present: by default the number of labels
  /// that are, or the sum of their weights. A loss that divides by something
  /// else says so here.
  virtual double weigh(const Labels& labels) const;

  /// Whether some of the labels that are present are of use; asked where there
  /// are such. A loss of whole rows says no where every row has a hole.
  virtual bool can_use(const Labels& /*labels*/) const {
    return true;
  }
};

namespace detail {

/// The loss where no label is present: 0 with the gradient 0, whatever the
/// output holds.
POLYTASK_API at::Tensor no_loss(const at::Tensor& output);

} // namespace detail

} // namespace polytask
