// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/labels.h>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

#include <utility>

#include "core/missing.h"
#include "core/row_weights.h"

namespace polytask {

Labels::Labels(at::Tensor target, int64_t missing, int64_t ignore_index)
    : target_(std::move(target)),
      missing_(missing),
      ignore_index_(ignore_index) {}

Labels::Labels(at::Tensor target, int64_t ignore_index)
    : target_(std::move(target)),
      missing_(detail::count_missing({target_}, ignore_index)[0]),
      ignore_index_(ignore_index) {}

std::vector<Labels> Labels::inspect(const std::vector<at::Tensor>& targets) {
  const auto missing = detail::count_missing(targets, kIgnoreIndex);
  std::vector<Labels> labels;
  labels.reserve(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    labels.push_back(Labels(targets[i], missing[i], kIgnoreIndex));
  }
  return labels;
}

Labels Labels::complete(at::Tensor target) {
  Labels labels(std::move(target), 0, kIgnoreIndex);
  labels.promised_ = true;
  return labels;
}

void Labels::count() {
  if (leaves_out_) {
    missing_ = missing_mask().sum().item<int64_t>();
  } else {
    missing_ =
        promised_ ? 0 : detail::count_missing({target_}, ignore_index_)[0];
  }
}

Labels Labels::with_ignore_index(int64_t ignore_index) const {
  Labels labels = *this;
  labels.ignore_index_ = ignore_index;
  if (ignore_index != ignore_index_ && !promised_ &&
      !target_.is_floating_point()) {
    labels.count();
  }
  return labels;
}

Labels Labels::with_weights(at::Tensor weights) const {
  Labels labels = *this;
  labels.weights_ = at::Tensor();
  labels.leaves_out_ = false;
  if (leaves_out_) {
    labels.count();
  }
  if (!weights.defined()) {
    return labels;
  }
  labels.weights_ = detail::row_weights(std::move(weights), target_);
  // Counting in host memory can wait for what is found.
  at::Tensor missing;
  if (!target_.device().is_cpu()) {
    labels.leaves_out_ = true;
    missing = labels.missing_mask();
  }
  const auto found = detail::check_row_weights(labels.weights_, missing);
  labels.leaves_out_ = found.zeros > 0;
  if (found.missing) {
    labels.missing_ = *found.missing;
  } else if (labels.leaves_out_) {
    labels.count();
  }
  return labels;
}

Labels Labels::select(const at::Tensor& rows) const {
  Labels labels = *this;
  labels.target_ = target_.index_select(0, rows);
  if (weights_.defined()) {
    labels.weights_ = weights_.index_select(0, rows);
  }
  if (!is_complete()) {
    labels.count();
  }
  return labels;
}

Labels Labels::to(const at::Device& device) const {
  Labels labels = *this;
  labels.target_ = target_.to(device);
  if (weights_.defined()) {
    labels.weights_ = weights_.to(device);
  }
  return labels;
}

Labels Labels::to(at::ScalarType type) const {
  if (!target_.is_floating_point() || target_.scalar_type() == type) {
    return *this;
  }
  Labels labels = *this;
  labels.target_ = target_.to(type);
  return labels;
}

Labels Labels::in(at::Tensor target) const {
  TORCH_CHECK_VALUE(
      target.sizes() == target_.sizes() &&
          target.scalar_type() == target_.scalar_type(),
      "Labels: expected a ",
      target_.scalar_type(),
      " tensor of shape ",
      target_.sizes(),
      ", but got ",
      target.scalar_type(),
      " of shape ",
      target.sizes(),
      ".");
  Labels labels = *this;
  labels.target_ = std::move(target);
  return labels;
}

at::Tensor Labels::over_labels(const at::Tensor& rows) const {
  std::vector<int64_t> shape(static_cast<size_t>(target_.dim()), 1);
  shape[0] = target_.size(0);
  return rows.view(shape);
}

at::Tensor Labels::missing_mask() const {
  at::Tensor mask = promised_ ? at::zeros_like(target_, at::kBool)
                              : detail::missing_mask(target_, ignore_index_);
  return leaves_out_ ? mask.logical_or(over_labels(weights_.eq(0))) : mask;
}

at::Tensor Labels::filled() const {
  return is_complete() ? target_ : target_.masked_fill(missing_mask(), 0);
}

at::Tensor Labels::complete_rows() const {
  const at::Tensor rows = missing_mask().reshape({target_.size(0), -1});
  return rows.any(1).logical_not().nonzero().squeeze(1);
}

at::Tensor Labels::label_weights(at::ScalarType type) const {
  const at::Tensor rows = weights_.defined()
      ? weights_.to(type)
      : at::ones({target_.size(0)}, target_.options().dtype(type));
  const at::Tensor all = over_labels(rows).expand_as(target_);
  return is_complete() ? all : all.masked_fill(missing_mask(), 0);
}

} // namespace polytask
