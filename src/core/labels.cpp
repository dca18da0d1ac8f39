// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/labels.h>

#include <c10/util/Exception.h>

#include <utility>

#include "core/missing.h"

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

Labels Labels::with_ignore_index(int64_t ignore_index) const {
  if (ignore_index == ignore_index_ || promised_ ||
      target_.is_floating_point()) {
    Labels labels = *this;
    labels.ignore_index_ = ignore_index;
    return labels;
  }
  return Labels(target_, ignore_index);
}

Labels Labels::to(const at::Device& device) const {
  Labels labels = *this;
  labels.target_ = target_.to(device);
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

at::Tensor Labels::missing_mask() const {
  return detail::missing_mask(target_, ignore_index_);
}

at::Tensor Labels::filled() const {
  return is_complete() ? target_ : target_.masked_fill(missing_mask(), 0);
}

at::Tensor Labels::complete_rows() const {
  const at::Tensor rows = missing_mask().reshape({target_.size(0), -1});
  return rows.any(1).logical_not().nonzero().squeeze(1);
}

} // namespace polytask
