// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "sharing/fresh_modules.h"

#include <c10/util/Exception.h>

#include <utility>

namespace polytask::detail {

FreshModules FreshModules::beside(const FreshModules& known) {
  FreshModules made(known.who_);
  made.before_ = &known;
  return made;
}

const FreshModules::Module* FreshModules::known(
    const torch::nn::Module& module) const {
  const auto found = modules_.find(&module);
  if (found != modules_.end() && !found->second.thing.expired()) {
    return &found->second;
  }
  return before_ == nullptr ? nullptr : before_->known(module);
}

const FreshModules::Tensor* FreshModules::known(
    const torch::Tensor& tensor) const {
  const auto found = tensors_.find(tensor.unsafeGetTensorImpl());
  if (found != tensors_.end() && !found->second.thing.expired()) {
    return &found->second;
  }
  return before_ == nullptr ? nullptr : before_->known(tensor);
}

void FreshModules::refuse(
    const std::string& what,
    const char* kind,
    const std::string& name,
    const std::string& other) const {
  TORCH_CHECK_VALUE(
      false,
      who_,
      ": expected a new module each time one is made, but ",
      name.empty() ? std::string()
                   : c10::str("the ", kind, " '", name, "' of "),
      what,
      " stands in ",
      other,
      " already. What tasks have in common can stand before the sharing: see "
      "Preceded.");
}

void FreshModules::refuse_known(
    const Network& network, const std::string& what) const {
  const auto& module = *network.module();
  for (const auto& each : module.named_modules()) {
    if (const auto* other = known(*each.value())) {
      refuse(what, "module", each.key(), *other->what);
    }
  }
  for (const auto& each : module.named_parameters()) {
    if (const auto* other = known(each.value())) {
      refuse(what, "parameter", each.key(), *other->what);
    }
  }
  for (const auto& each : module.named_buffers()) {
    if (const auto* other = known(each.value())) {
      refuse(what, "buffer", each.key(), *other->what);
    }
  }
}

void FreshModules::add(const Network& network, const std::string& what) {
  refuse_known(network, what);
  note(network, what);
}

void FreshModules::note(const Network& network, const std::string& what) {
  const auto& module = *network.module();
  const auto shared_what = std::make_shared<const std::string>(what);
  for (const auto& each : module.modules()) {
    modules_.insert_or_assign(each.get(), Module{each, shared_what});
  }
  for (const auto& tensors : {module.parameters(), module.buffers()}) {
    for (const auto& tensor : tensors) {
      tensors_.insert_or_assign(
          tensor.unsafeGetTensorImpl(),
          Tensor{WeakTensor(tensor.getIntrusivePtr()), shared_what});
    }
  }
}

void FreshModules::take(FreshModules made) {
  for (auto& [place, module] : made.modules_) {
    modules_.insert_or_assign(place, std::move(module));
  }
  for (auto& [place, tensor] : made.tensors_) {
    tensors_.insert_or_assign(place, std::move(tensor));
  }
}

} // namespace polytask::detail
