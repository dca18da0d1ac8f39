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
#include <polytask/core/inputs.h>
#include <polytask/core/network_kind.h>

namespace polytask {

/// Any `torch::nn` module that makes one tensor from its input: a trunk, a
/// head, an expert. Its `forward` takes an `at::Tensor`, a `const
/// polytask::Inputs&` or, as overloads, either; with another, as of an LSTM, a
/// wrapper of five lines does: see docs/inputs.md. It stands where LibTorch's
/// `AnyModule` would, and takes what that one cannot: modules whose `forward`
/// is a template, such as `Sequential`.
///
/// A network refers to the module it was made from; `clone` copies deeply. A
/// module that works in place never changes its caller's input: it is given a
/// copy.
class POLYTASK_API Network {
 public:
  /// From a holder such as `torch::nn::Linear`.
  template <typename Impl>
  Network(torch::nn::ModuleHolder<Impl> module) // NOLINT: meant to be implicit
      : Network(module.is_empty() ? std::shared_ptr<Impl>() : module.ptr()) {}

  /// From a pointer to a module.
  template <typename Impl>
    requires std::derived_from<Impl, torch::nn::Module>
  Network(std::shared_ptr<Impl> module) // NOLINT: meant to be implicit
      : module_(module),
        guard_(detail::only_reads<Impl>()),
        from_clone_([](const std::shared_ptr<torch::nn::Module>& clone) {
          return Network(std::dynamic_pointer_cast<Impl>(clone));
        }) {
    constexpr bool takes_tensor = detail::takes_tensor<Impl>();
    constexpr bool takes_inputs = detail::takes_inputs<Impl>();
    static_assert(
        takes_tensor || takes_inputs,
        "polytask: this module's forward cannot be used; write a module around "
        "it with `torch::Tensor forward(torch::Tensor input)` or "
        "`torch::Tensor "
        "forward(const polytask::Inputs& inputs)` (docs/inputs.md has one for "
        "an LSTM)");
    TORCH_CHECK_VALUE(module_ != nullptr, "Network: the module is empty.");
    if constexpr (takes_tensor) {
      forward_ = [impl = module.get()](const at::Tensor& input) {
        return at::Tensor(impl->forward(input));
      };
    }
    if constexpr (takes_inputs) {
      forward_inputs_ = [impl = module.get()](const Inputs& inputs) {
        return at::Tensor(impl->forward(inputs));
      };
    }
  }

  at::Tensor forward(const at::Tensor& input) const {
    return forward_ ? guard_.run(*module_, input, forward_)
                    : forward(Inputs(input));
  }
  /// Throws, and lists the names, if there are several tensors and the module
  /// takes one.
  at::Tensor forward(const Inputs& inputs) const;

  /// A deep copy, made by the module's own `clone`. Throws, and names the
  /// tensor, if that copy shares a tensor with the original. While a
  /// `MultiTaskModel` is cloned, networks of one module get one copy of it.
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
  /// Empty if the module takes `Inputs` alone.
  std::function<at::Tensor(const at::Tensor&)> forward_;
  /// Empty if it takes a tensor alone.
  std::function<at::Tensor(const Inputs&)> forward_inputs_;
  detail::InputGuard guard_;
  std::function<Network(const std::shared_ptr<torch::nn::Module>&)> from_clone_;
};

/// Makes a new network each time it is called.
using NetworkFactory = std::function<Network()>;

} // namespace polytask
