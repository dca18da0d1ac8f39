// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/network.h>

#include "core/check.h"
#include "core/copy_once.h"

namespace polytask {

namespace {

// Parameters and buffers.
torch::OrderedDict<std::string, torch::Tensor> named_tensors(
    const torch::nn::Module& module) {
  auto tensors = module.named_parameters();
  tensors.update(module.named_buffers());
  return tensors;
}

} // namespace

at::Tensor Network::forward(const Inputs& inputs) const {
  if (forward_ && inputs.is_tensor()) {
    return forward(inputs.tensor());
  }
  TORCH_CHECK_VALUE(
      forward_inputs_,
      "the module '",
      module_->name(),
      "' takes one tensor, but there are ",
      detail::quoted(inputs.names()),
      "; write a module around it with torch::Tensor forward(const "
      "polytask::Inputs& inputs).");
  return guard_.run(*module_, inputs, forward_inputs_);
}

Network Network::clone(const std::optional<torch::Device>& device) const {
  auto* copies = detail::CopyOnce::copies();
  if (copies != nullptr) {
    const auto found = copies->find(module_.get());
    if (found != copies->end()) {
      return from_clone_(found->second);
    }
  }
  const auto before = named_tensors(*module_);
  const auto copy = module_->clone(device);
  // LibTorch's Cloneable, given a module from outside, aliases it and replaces
  // the original's tensors, which leaves every optimizer on the original
  // stale. Nobody notices until training stands still, so say it here.
  const auto after = named_tensors(*module_);
  for (const auto& entry : before) {
    const auto* kept = after.find(entry.key());
    TORCH_CHECK(
        kept != nullptr && kept->is_same(entry.value()),
        module_->name(),
        ": its clone() replaced the original's tensor '",
        entry.key(),
        "'. Override clone() to copy the modules that it was given from "
        "outside.");
  }
  for (const auto& entry : named_tensors(*copy)) {
    const auto* original = before.find(entry.key());
    TORCH_CHECK(
        original == nullptr || !original->is_same(entry.value()),
        module_->name(),
        ": its clone() shares the tensor '",
        entry.key(),
        "' with the original. Override clone() to copy deeply.");
  }
  if (copies != nullptr) {
    copies->emplace(module_.get(), copy);
  }
  return from_clone_(copy);
}

} // namespace polytask
