// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/cloneable.h>
#include <torch/nn/module.h>

#include <memory>
#include <string>

namespace polytask::detail {

class ModuleAccess;

} // namespace polytask::detail

namespace torch::nn {

// What a module has registered, without the copies that `named_children` and
// its like make: LibTorch's Cloneable is a friend of Module.
template <>
class Cloneable<polytask::detail::ModuleAccess> {
 public:
  static const OrderedDict<std::string, at::Tensor>& parameters(
      const Module& module) {
    return module.parameters_;
  }
  static const OrderedDict<std::string, at::Tensor>& buffers(
      const Module& module) {
    return module.buffers_;
  }
  static const OrderedDict<std::string, std::shared_ptr<Module>>& children(
      const Module& module) {
    return module.children_;
  }
};

} // namespace torch::nn

namespace polytask::detail {

/// Calls `visit(module)` for a module and all below it, in their order; a
/// module that stands in two places comes twice. Stops, and gives false, where
/// `visit` does.
template <typename Visit>
bool visit_modules(const torch::nn::Module& module, const Visit& visit) {
  if (!visit(module)) {
    return false;
  }
  for (const auto& child :
       torch::nn::Cloneable<ModuleAccess>::children(module)) {
    if (!visit_modules(*child.value(), visit)) {
      return false;
    }
  }
  return true;
}

} // namespace polytask::detail
