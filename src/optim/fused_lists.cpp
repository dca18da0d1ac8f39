// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fused_lists.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>

#include "fused_ops.h"

namespace polytask::optim::detail {

namespace {

// Bits that promise a value which is not the one in memory.
bool has_lazy_value(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet kLazy(
      {c10::DispatchKey::Negative, c10::DispatchKey::ZeroTensor});
  return tensor.key_set().has_any(kLazy);
}

bool has_kernels(const at::Tensor& parameter) {
  if (!has_fused_ops()) {
    return false;
  }
  const at::ScalarType dtype = parameter.scalar_type();
  if (dtype == at::kFloat || dtype == at::kDouble) {
    return parameter.is_cpu() || parameter.is_cuda();
  }
  // LibTorch 2.4's CPU kernels for them are wrong.
  return (dtype == at::kHalf || dtype == at::kBFloat16) && parameter.is_cuda();
}

} // namespace

bool matches_in_memory(const at::Tensor& parameter, const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.layout() != at::kStrided ||
      tensor.scalar_type() != parameter.scalar_type() ||
      tensor.device() != parameter.device() ||
      tensor.sizes() != parameter.sizes() || has_lazy_value(tensor)) {
    return false;
  }
  return (parameter.is_cpu() && parameter.is_contiguous() &&
          tensor.is_contiguous()) ||
      tensor.strides() == parameter.strides();
}

bool can_fuse(const at::Tensor& parameter, const at::Tensor& gradient) {
  return parameter.layout() == at::kStrided && has_kernels(parameter) &&
      parameter.is_non_overlapping_and_dense() && !has_lazy_value(parameter) &&
      gradient.layout() == at::kStrided &&
      gradient.scalar_type() == parameter.scalar_type() &&
      gradient.device() == parameter.device() &&
      gradient.sizes() == parameter.sizes();
}

bool is_plain_memory(const at::Tensor& parameter, const at::Tensor& gradient) {
  return parameter.is_cpu() && has_kernels(parameter) &&
      parameter.layout() == at::kStrided && parameter.is_contiguous() &&
      !parameter.is_inference() && !has_lazy_value(parameter) &&
      matches_in_memory(parameter, gradient) && gradient.is_contiguous();
}

void FusedLists::begin() {
  release_gradients();
  left_.clear();
  position_ = 0;
}

void FusedLists::add(
    const FusedKey& key,
    const at::Tensor& parameter,
    const at::Tensor& gradient,
    const FusedState& state) {
  if (!goes_on_as_before(key, parameter, state)) {
    forget_the_rest();
    order_.push_back(call_for(key));
    FusedCall& call = calls_[order_.back()];
    call.parameters.push_back(parameter);
    for (size_t i = 0; i < state.size(); ++i) {
      if (state[i]) {
        call.state[i].push_back(*state[i]);
      }
    }
  }
  calls_[order_[position_++]].gradients.push_back(
      matches_in_memory(parameter, gradient)
          ? gradient
          : at::empty_like(parameter).copy_(gradient));
}

void FusedLists::leave(const at::Tensor& parameter, Scaling* scaling) {
  if (scaling) {
    if (scaling->found_inf()) {
      return;
    }
    scaling->unscale_(parameter.grad());
  }
  left_.push_back(parameter);
}

void FusedLists::finish() {
  forget_the_rest();
}

void FusedLists::return_gradients() {
  for (const auto& call : calls_) {
    for (size_t i = 0; i < call.gradients.size(); ++i) {
      const at::Tensor& gradient = call.parameters[i].grad();
      if (!gradient.is_same(call.gradients[i])) {
        gradient.copy_(call.gradients[i]);
      }
    }
  }
}

void FusedLists::release_gradients() {
  for (auto& call : calls_) {
    call.gradients.clear();
  }
}

bool FusedLists::goes_on_as_before(
    const FusedKey& key,
    const at::Tensor& parameter,
    const FusedState& state) const {
  if (position_ == order_.size()) {
    return false;
  }
  const FusedCall& call = calls_[order_[position_]];
  const size_t index = call.gradients.size();
  if (!(call.key == key) || !call.parameters[index].is_same(parameter)) {
    return false;
  }
  for (size_t i = 0; i < state.size(); ++i) {
    const bool had = index < call.state[i].size();
    if (had != (state[i] != nullptr) ||
        (had && !call.state[i][index].is_same(*state[i]))) {
      return false;
    }
  }
  return true;
}

// Each call has as many gradients as parameters that this step has confirmed.
void FusedLists::forget_the_rest() {
  if (position_ == order_.size()) {
    return;
  }
  order_.resize(position_);
  for (auto& call : calls_) {
    const size_t confirmed = call.gradients.size();
    call.parameters.resize(confirmed);
    for (auto& list : call.state) {
      list.resize(std::min(list.size(), confirmed));
    }
  }
}

size_t FusedLists::call_for(const FusedKey& key) {
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i].key == key) {
      return i;
    }
  }
  calls_.emplace_back(key);
  return calls_.size() - 1;
}

} // namespace polytask::optim::detail
