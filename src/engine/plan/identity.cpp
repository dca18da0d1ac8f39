// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "identity.h"

#include <cstdint>

#include "module_access.h"

namespace polytask::detail {

namespace {

// Stands for the end of a list.
const void* end_of_list() {
  static const char end = 0;
  return &end;
}

// An address and one bit: tensors lie at even ones.
const void* marked(const at::Tensor& tensor) {
  const auto* address =
      reinterpret_cast<const char*>(tensor.unsafeGetTensorImpl());
  return address + (tensor.defined() && tensor.requires_grad() ? 1 : 0);
}

} // namespace

template <typename See>
bool Identity::look_at(
    const torch::nn::Module& model,
    const torch::optim::Optimizer& optimizer,
    const See& see) {
  using Access = torch::nn::Cloneable<ModuleAccess>;
  const bool same = visit_modules(model, [&](const torch::nn::Module& module) {
    if (!see(&module)) {
      return false;
    }
    for (const auto& parameter : Access::parameters(module)) {
      if (!see(marked(parameter.value()))) {
        return false;
      }
    }
    for (const auto& buffer : Access::buffers(module)) {
      if (!see(marked(buffer.value()))) {
        return false;
      }
    }
    return true;
  });
  if (!same || !see(end_of_list())) {
    return false;
  }
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& parameter : group.params()) {
      if (!see(parameter.unsafeGetTensorImpl())) {
        return false;
      }
    }
    if (!see(end_of_list())) {
      return false;
    }
  }
  return true;
}

Identity::Identity(
    const torch::nn::Module& model, const torch::optim::Optimizer& optimizer) {
  look_at(model, optimizer, [this](const void* thing) {
    seen_.push_back(thing);
    return true;
  });
}

bool Identity::is_of(
    const torch::nn::Module& model,
    const torch::optim::Optimizer& optimizer) const {
  const void* const* next = seen_.data();
  const void* const* const end = next + seen_.size();
  return look_at(
             model,
             optimizer,
             [&](const void* thing) {
               return next != end && *next++ == thing;
             }) &&
      next == end;
}

} // namespace polytask::detail
