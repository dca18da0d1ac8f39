// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <polytask/core/api.h>
#include <polytask/core/input_guard.h>

namespace polytask {

/// Any `torch::nn` module that maps one tensor to one tensor: a trunk, a head,
/// an expert. It stands where LibTorch's `AnyModule` would, and takes what that
/// one cannot: modules whose `forward` is a template, such as `Sequential`.
///
/// A network refers to the module it was made from; `clone` copies deeply. A
/// module that works in place never changes its caller's input: it is given a
/// copy.
class POLYTASK_API Network {
 public:
  /// From a holder such as `torch::nn::Linear`.
  template <typename Impl>
  Network(torch::nn::ModuleHolder<Impl> module) // NOLINT: meant to be implicit
      : Network(module.ptr()) {}

  /// From a pointer to a module.
  template <typename Impl>
    requires std::derived_from<Impl, torch::nn::Module>
  Network(std::shared_ptr<Impl> module) // NOLINT: meant to be implicit
      : module_(module),
        forward_([impl = module.get()](const at::Tensor& input) {
          return at::Tensor(impl->forward(input));
        }),
        from_clone_([](const std::shared_ptr<torch::nn::Module>& clone) {
          return Network(std::dynamic_pointer_cast<Impl>(clone));
        }) {
    TORCH_CHECK_VALUE(module_ != nullptr, "Network: the module is empty.");
  }

  at::Tensor forward(const at::Tensor& input) const {
    return guard_.run(*module_, input, forward_);
  }

  /// A deep copy, made by the module's own `clone`. Throws, and names the
  /// tensor, if that copy shares a tensor with the original.
  Network clone(const std::optional<torch::Device>& device = {}) const;

  const std::shared_ptr<torch::nn::Module>& module() const {
    return module_;
  }

  /// The module as what it was made from, such as `as<torch::nn::Linear>()`;
  /// an empty holder if it is something else.
  template <typename Holder>
  Holder as() const {
    using Impl = typename Holder::ContainedType;
    return Holder(std::dynamic_pointer_cast<Impl>(module_));
  }

 private:
  std::shared_ptr<torch::nn::Module> module_;
  std::function<at::Tensor(const at::Tensor&)> forward_;
  detail::InputGuard guard_;
  std::function<Network(const std::shared_ptr<torch::nn::Module>&)> from_clone_;
};

} // namespace polytask
