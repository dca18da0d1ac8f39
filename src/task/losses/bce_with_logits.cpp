// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/task/losses/bce_with_logits.h>

#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/Exception.h>

#include <optional>
#include <utility>

#include "core/host_value.h"

namespace polytask {

namespace {

BCEWithLogitsLossOptions one_pos_weight(double pos_weight) {
  return BCEWithLogitsLossOptions().pos_weight(
      at::scalar_tensor(pos_weight, at::kDouble));
}

template <typename Scalar>
std::optional<double> first_outside(const at::Tensor& target) {
  const at::Tensor rows = target.dim() == 2 ? target : target.reshape({1, -1});
  const auto* labels = rows.const_data_ptr<Scalar>();
  for (int64_t row = 0; row < rows.size(0); ++row) {
    const Scalar* label = labels + row * rows.stride(0);
    for (int64_t i = 0; i < rows.size(1); ++i, label += rows.stride(1)) {
      if (*label < 0 || *label > 1) { // not a NaN
        return static_cast<double>(*label);
      }
    }
  }
  return std::nullopt;
}

std::optional<double> first_outside_unit(const at::Tensor& target) {
  switch (target.scalar_type()) {
    case at::kFloat:
      return first_outside<float>(target);
    case at::kDouble:
      return first_outside<double>(target);
    default:
      return first_outside<float>(target.to(at::kFloat));
  }
}

// For rows of the output, trailing dimension by trailing dimension.
bool fits_rows(const at::Tensor& pos_weight, const at::Tensor& output) {
  if (pos_weight.numel() == 1 && pos_weight.dim() <= output.dim()) {
    return true;
  }
  if (pos_weight.dim() >= output.dim()) {
    return false;
  }
  for (int64_t i = 1; i <= pos_weight.dim(); ++i) {
    if (pos_weight.size(-i) != 1 && pos_weight.size(-i) != output.size(-i)) {
      return false;
    }
  }
  return true;
}

} // namespace

BCEWithLogitsLoss::BCEWithLogitsLoss(BCEWithLogitsLossOptions options)
    : options_(std::move(options)) {
  const at::Tensor& weight = options_.pos_weight();
  if (!weight.defined()) {
    factor_ = 1;
    return;
  }
  TORCH_CHECK_VALUE(
      weight.is_floating_point() &&
          weight.gt(0).logical_and(at::isfinite(weight)).all().item<bool>(),
      "BCEWithLogitsLoss: expected a pos_weight of positive, finite numbers, "
      "but got ",
      weight,
      ".");
  TORCH_CHECK_VALUE(
      !weight.requires_grad(),
      "BCEWithLogitsLoss: pos_weight requires a gradient, but is a constant of "
      "the loss; detach() it.");
}

BCEWithLogitsLoss::BCEWithLogitsLoss(double pos_weight)
    : BCEWithLogitsLoss(one_pos_weight(pos_weight)) {
  factor_ = pos_weight;
}

void BCEWithLogitsLoss::check(const Labels& labels) const {
  ElementwiseLoss::check(labels);
  if (!labels.target().device().is_cpu() ||
      !labels.target().is_floating_point()) {
    return;
  }
  // A row of weight 0 may hold anything.
  const auto outside = first_outside_unit(
      labels.is_weighted() ? labels.filled() : labels.target());
  TORCH_CHECK_VALUE(
      !outside,
      "BCEWithLogitsLoss: expected labels from 0 to 1, but found ",
      outside.value_or(0),
      ".");
}

LossForm BCEWithLogitsLoss::own_form() const {
  return LossForm::of<BCEWithLogitsLoss>(
      factor_ ? LossForm::Kind::kBinary : LossForm::Kind::kOfOutputs,
      factor_.value_or(1));
}

std::string BCEWithLogitsLoss::recording_obstacle(at::Device device) const {
  const at::Tensor& weight = options_.pos_weight();
  const bool is_here =
      !weight.defined() || weight.dim() == 0 || weight.device() == device;
  return is_here ? "" : "pos_weight is on the host";
}

at::Tensor BCEWithLogitsLoss::reduce(
    const at::Tensor& output,
    const at::Tensor& target,
    int64_t reduction) const {
  const at::Tensor& weight = options_.pos_weight();
  std::optional<at::Tensor> pos_weight;
  if (weight.defined()) {
    TORCH_CHECK_VALUE(
        fits_rows(weight, output),
        "BCEWithLogitsLoss: the pos_weight of shape ",
        weight.sizes(),
        " does not fit the rows of an output of shape ",
        output.sizes(),
        ".");
    // A number costs a device no copy.
    pos_weight = weight.dim() == 0 && weight.device().is_cpu()
        ? at::scalar_tensor(weight.item<double>(), output.options())
        : weight.to(output.options());
  }
  return at::binary_cross_entropy_with_logits(
      output, target, std::nullopt, pos_weight, reduction);
}

void BCEWithLogitsLoss::pretty_print(std::ostream& stream) const {
  stream << "polytask::BCEWithLogitsLoss(";
  const at::Tensor& weight = options_.pos_weight();
  if (weight.defined() && weight.numel() == 1) {
    stream << "pos_weight=" << weight.item<double>();
  } else if (weight.defined()) {
    stream << "pos_weight="
           << c10::ArrayRef<double>(detail::host_values(weight));
  }
  stream << ")";
}

} // namespace polytask
