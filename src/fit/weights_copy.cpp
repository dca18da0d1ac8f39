// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/weights_copy.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>
#include <c10/util/StringUtil.h>

#include <unordered_set>

namespace polytask::fit::detail {

std::vector<std::pair<std::string, at::Tensor>> weights_of(
    const MultiTaskModelImpl& model, bool buffers) {
  std::vector<std::pair<std::string, at::Tensor>> weights;
  std::unordered_set<const void*> seen;
  const auto add = [&](const auto& named) {
    for (const auto& entry : named) {
      if (entry.value().defined() &&
          seen.insert(entry.value().unsafeGetTensorImpl()).second) {
        weights.emplace_back(entry.key(), entry.value());
      }
    }
  };
  add(model.named_parameters());
  if (buffers) {
    add(model.named_buffers());
  }
  return weights;
}

namespace {

bool fits_copy(const at::Tensor& copy, const at::Tensor& weight) {
  return copy.sizes() == weight.sizes() &&
      copy.scalar_type() == weight.scalar_type() &&
      copy.device() == weight.device();
}

} // namespace

void WeightsCopy::take(const MultiTaskModelImpl& model) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> copies;
  for (const auto& [name, weight] : weights_of(model, /*buffers=*/true)) {
    const auto old = copies_.find(name);
    if (old != copies_.end() && fits_copy(old->second, weight)) {
      old->second.copy_(weight);
      copies.insert(*old);
    } else {
      copies.emplace(name, weight.detach().clone());
    }
  }
  copies_ = std::move(copies);
}

std::string WeightsCopy::misfit(const MultiTaskModelImpl& model) const {
  if (is_empty()) {
    return "";
  }
  const auto weights = weights_of(model, /*buffers=*/true);
  for (const auto& [name, weight] : weights) {
    const auto copy = copies_.find(name);
    if (copy == copies_.end() || copy->second.sizes() != weight.sizes()) {
      const std::string before = copy == copies_.end()
          ? "was not there"
          : c10::str("had the shape ", copy->second.sizes());
      return c10::str(
          "the best weights are of a model of before: '",
          name,
          "' has the shape ",
          weight.sizes(),
          " and ",
          before,
          ".");
    }
  }
  return weights.size() == copies_.size()
      ? ""
      : c10::str(
            "the best weights are of a model of before, which had ",
            copies_.size(),
            " tensors and has ",
            weights.size(),
            ".");
}

void WeightsCopy::give(MultiTaskModelImpl& model) const {
  const std::string fault = misfit(model);
  TORCH_CHECK_VALUE(fault.empty(), "Fit: ", fault);
  const at::NoGradGuard no_grad;
  for (const auto& [name, weight] : weights_of(model, /*buffers=*/true)) {
    at::Tensor(weight).copy_(copies_.at(name));
  }
}

void WeightsCopy::load(
    std::map<std::string, at::Tensor> tensors,
    const MultiTaskModelImpl& model) {
  copies_ = std::move(tensors);
  const std::string fault = misfit(model);
  if (!fault.empty()) {
    TORCH_WARN("Fit: leaves out what the checkpoint has, for ", fault);
    copies_.clear();
    return;
  }
  if (is_empty()) {
    return;
  }
  for (const auto& [name, weight] : weights_of(model, /*buffers=*/true)) {
    at::Tensor& copy = copies_.at(name);
    copy = copy.to(weight.device(), weight.scalar_type());
  }
}

} // namespace polytask::fit::detail
