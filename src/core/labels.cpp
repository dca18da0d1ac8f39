// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/labels.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/missing.h"
#include "core/row_weights.h"

namespace polytask {

namespace {

bool waits_for_device(const at::Tensor& target) {
  return target.defined() && !target.device().is_cpu();
}

} // namespace

Labels::Missing Labels::known(int64_t missing) {
  // Never written to: a count that is known stays.
  static const Missing none = std::make_shared<std::atomic<int64_t>>(0);
  return missing == 0 ? none : std::make_shared<std::atomic<int64_t>>(missing);
}

Labels::Labels(at::Tensor target, Missing missing, int64_t ignore_index)
    : target_(std::move(target)),
      missing_(std::move(missing)),
      ignore_index_(ignore_index) {}

Labels::Labels(at::Tensor target, int64_t ignore_index)
    : Labels(std::move(target), known(kUnknown), ignore_index) {
  if (waits_for_device(target_)) {
    count();
  }
}

Labels::ManyMissing Labels::unknown(size_t count) {
  ManyMissing all(new std::atomic<int64_t>[count]);
  std::fill_n(all.get(), count, kUnknown);
  return all;
}

Labels Labels::one_of(
    const ManyMissing& all, size_t place, const at::Tensor& target) {
  return Labels(
      target,
      Missing(all, &all[static_cast<std::ptrdiff_t>(place)]),
      kIgnoreIndex);
}

void Labels::count_on_devices(
    const ManyMissing& all, const std::vector<const at::Tensor*>& targets) {
  std::vector<at::Tensor> on_device;
  std::vector<size_t> places;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (waits_for_device(*targets[i])) {
      on_device.push_back(*targets[i]);
      places.push_back(i);
    }
  }
  const auto missing = detail::count_missing(on_device, kIgnoreIndex);
  for (size_t i = 0; i < places.size(); ++i) {
    all[static_cast<std::ptrdiff_t>(places[i])] = missing[i];
  }
}

std::vector<Labels> Labels::inspect(const std::vector<at::Tensor>& targets) {
  const ManyMissing all = unknown(targets.size());
  std::vector<Labels> labels;
  std::vector<const at::Tensor*> looked_at;
  labels.reserve(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    labels.push_back(one_of(all, i, targets[i]));
    looked_at.push_back(&targets[i]);
  }
  count_on_devices(all, looked_at);
  return labels;
}

Labels Labels::complete(at::Tensor target) {
  Labels labels(std::move(target), known(0), kIgnoreIndex);
  labels.promised_ = true;
  return labels;
}

int64_t Labels::count() const {
  const int64_t found = leaves_out_
      ? missing_mask().sum().item<int64_t>()
      : detail::count_missing({target_}, ignore_index_)[0];
  missing_->store(found, std::memory_order_relaxed);
  return found;
}

bool Labels::find_one() const {
  if (leaves_out_) {
    return count() < target_.numel();
  }
  const bool found = detail::has_present(target_, ignore_index_);
  // If another thread has counted meanwhile, somebody counts again.
  missing_->store(found ? kSome : target_.numel(), std::memory_order_relaxed);
  return found;
}

void Labels::forget_count() {
  missing_ = known(promised_ && !leaves_out_ ? 0 : kUnknown);
}

Labels Labels::with_ignore_index(int64_t ignore_index) const {
  Labels labels = *this;
  labels.ignore_index_ = ignore_index;
  if (ignore_index != ignore_index_ && !promised_ &&
      !target_.is_floating_point()) {
    labels.forget_count();
  }
  return labels;
}

Labels Labels::with_weights(at::Tensor weights) const {
  Labels labels = *this;
  labels.weights_ = at::Tensor();
  labels.leaves_out_ = false;
  if (leaves_out_) {
    labels.forget_count();
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
    labels.missing_ = known(*found.missing);
  } else if (labels.leaves_out_) {
    // Now, as weights that change later are not to be noticed in parts.
    labels.forget_count();
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
  if (missing_->load(std::memory_order_relaxed) != 0) {
    labels.forget_count();
  }
  return labels;
}

bool Labels::is_joinable(const Labels& other) const {
  const auto fit = [](const at::Tensor& a, const at::Tensor& b) {
    return a.defined() == b.defined() &&
        (!a.defined() ||
         (a.dim() == b.dim() && a.dim() > 0 &&
          a.sizes().slice(1) == b.sizes().slice(1) &&
          a.scalar_type() == b.scalar_type() && a.device() == b.device()));
  };
  return ignore_index_ == other.ignore_index_ && promised_ == other.promised_ &&
      fit(target_, other.target_) && fit(weights_, other.weights_);
}

Labels Labels::join(const std::vector<Labels>& parts) {
  TORCH_CHECK_VALUE(!parts.empty(), "Labels: there are none to be joined.");
  Labels labels = parts.front();
  std::vector<at::Tensor> targets;
  std::vector<at::Tensor> weights;
  int64_t count = 0;
  for (const auto& part : parts) {
    TORCH_CHECK_VALUE(
        labels.is_joinable(part),
        "Labels: cannot join labels of another kind: ",
        part.target_.scalar_type(),
        " of shape ",
        part.target_.sizes(),
        " and ",
        labels.target_.scalar_type(),
        " of shape ",
        labels.target_.sizes(),
        ".");
    targets.push_back(part.target_);
    weights.push_back(part.weights_);
    count += part.missing();
    labels.leaves_out_ = labels.leaves_out_ || part.leaves_out_;
  }
  labels.target_ = at::cat(targets);
  if (labels.is_weighted()) {
    labels.weights_ = at::cat(weights);
  }
  labels.missing_ = known(count);
  return labels;
}

Labels Labels::to(const at::Device& device) const {
  if (target_.device() != device) {
    missing();
  }
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
  missing();
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
