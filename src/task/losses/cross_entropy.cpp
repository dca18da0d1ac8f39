// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/cross_entropy.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/isfinite.h>
#include <c10/util/Exception.h>

#include <optional>
#include <utility>
#include <vector>

#include <polytask/task/losses/elementwise.h>
#include "core/check.h"
#include "core/in_double.h"

namespace polytask {

namespace {

bool is_column(const at::Tensor& output, const at::Tensor& target) {
  return output.dim() == 2 && target.dim() == 2 && target.size(1) == 1;
}

void check_classes(const at::Tensor& output, const at::Tensor& target) {
  TORCH_CHECK_VALUE(
      output.dim() >= 2,
      "expected class scores of shape [B, C], but the output has shape ",
      output.sizes(),
      ".");
  std::vector<int64_t> shape = output.sizes().vec();
  shape.erase(shape.begin() + 1);
  TORCH_CHECK_VALUE(
      target.sizes() == at::IntArrayRef(shape) ||
          (is_column(output, target) && target.size(0) == shape[0]),
      "expected class indices of shape ",
      at::IntArrayRef(shape),
      " for an output of shape ",
      output.sizes(),
      ", but got ",
      target.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      target.scalar_type() == at::kLong,
      "expected class indices of dtype Long, but got ",
      target.scalar_type(),
      ".");
}

// The weight of each label's class.
at::Tensor weights_of_classes(
    const at::Tensor& class_weights, const at::Tensor& target) {
  return class_weights.index_select(0, target.flatten()).view_as(target);
}

} // namespace

CrossEntropyLoss::CrossEntropyLoss(CrossEntropyLossOptions options)
    : options_(std::move(options)) {
  const double smoothing = options_.label_smoothing();
  TORCH_CHECK_VALUE(
      smoothing >= 0 && smoothing <= 1,
      "CrossEntropyLoss: expected a label smoothing from 0 to 1, but got ",
      smoothing,
      ".");
  const auto& weight = options_.weight();
  if (!weight.defined()) {
    return;
  }
  TORCH_CHECK_VALUE(
      weight.dim() == 1 && weight.is_floating_point() &&
          weight.ge(0).logical_and(at::isfinite(weight)).all().item<bool>(),
      "CrossEntropyLoss: expected class weights of shape [C], finite and none "
      "negative, but got ",
      weight,
      ".");
  TORCH_CHECK_VALUE(
      !weight.requires_grad(),
      "CrossEntropyLoss: the class weights require a gradient, but are "
      "constants of the loss; detach() them.");
  leaves_classes_out_ = weight.eq(0).any().item<bool>();
}

bool CrossEntropyLoss::can_use(const Labels& labels) const {
  if (!leaves_classes_out_ || labels.target().scalar_type() != at::kLong) {
    return true;
  }
  const at::Tensor weights = options_.weight().to(labels.target().device());
  // A class that there is not is the error of the loss itself.
  const at::Tensor classes = labels.filled().clamp(0, weights.size(0) - 1);
  return weights_of_classes(weights, classes)
      .gt(0)
      .logical_and(labels.missing_mask().logical_not())
      .any()
      .item<bool>();
}

// LibTorch divides by the weights of the labels' classes.
double CrossEntropyLoss::weigh(const Labels& labels) const {
  if (!options_.weight().defined() ||
      labels.target().scalar_type() != at::kLong) {
    return LossFunction::weigh(labels);
  }
  const at::Tensor weights = options_.weight().to(labels.target().device());
  // A class that there is not is the error of the loss itself.
  const at::Tensor classes = labels.filled().clamp(0, weights.size(0) - 1);
  const auto wide = detail::widest_float(weights.device());
  return detail::sum_in_double(
      labels.label_weights(wide) *
      weights_of_classes(weights, classes).to(wide));
}

at::Tensor CrossEntropyLoss::evaluate(
    const at::Tensor& output, const Labels& labels) const {
  check_classes(output, labels.target());
  if (!can_use(labels)) {
    return detail::no_loss(output);
  }
  std::optional<at::Tensor> class_weights;
  if (options_.weight().defined()) {
    TORCH_CHECK_VALUE(
        options_.weight().size(0) == output.size(1),
        "expected a weight for each of the ",
        output.size(1),
        " classes, but got ",
        options_.weight().size(0),
        ".");
    class_weights = options_.weight().to(output.options().requires_grad(false));
  }
  // As the output has it, of a table's column.
  const auto shaped = [&](const at::Tensor& of_labels) {
    return is_column(output, of_labels) ? of_labels.squeeze(1) : of_labels;
  };
  const auto entropy = [&](const at::Tensor& target, int64_t reduction) {
    try {
      return at::cross_entropy_loss(
          output,
          target,
          class_weights,
          reduction,
          options_.ignore_index(),
          options_.label_smoothing());
    } catch (const c10::Error&) {
      detail::rethrow_with(c10::str("with ", output.size(1), " classes: "));
    }
  };
  if (!labels.is_weighted()) {
    return entropy(shaped(labels.target()), at::Reduction::Mean);
  }
  // A row of weight 0 may hold anything.
  const at::Tensor missing = shaped(labels.missing_mask());
  const at::Tensor target = shaped(labels.target());
  at::Tensor weights =
      shaped(detail::mean_weights(labels, output.scalar_type()));
  const at::Tensor elements = entropy(
      target.masked_fill(missing, options_.ignore_index()),
      at::Reduction::None);
  const at::Tensor sum = (elements * weights).sum();
  if (class_weights) {
    weights = weights *
        weights_of_classes(*class_weights, target.masked_fill(missing, 0));
  }
  return sum / weights.sum();
}

std::string CrossEntropyLoss::recording_obstacle(at::Device device) const {
  const at::Tensor& weight = options_.weight();
  if (!weight.defined()) {
    return "";
  }
  if (leaves_classes_out_) {
    return "class weights of 0 wait for the device";
  }
  // LibTorch selects the weights of the labels that are present.
  if (options_.label_smoothing() != 0) {
    return "class weights with label smoothing wait for the device";
  }
  return weight.device() == device ? "" : "class weights are on the host";
}

void CrossEntropyLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::CrossEntropyLoss(ignore_index="
         << options_.ignore_index()
         << ", label_smoothing=" << options_.label_smoothing() << ")";
}

} // namespace polytask
