// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <type_traits>

#include <polytask/core/inputs.h>

namespace torch::nn {
class LinearImpl;
class SequentialImpl;
} // namespace torch::nn

namespace polytask::detail {

/// Becomes a tensor, and no `Inputs`: that would take two conversions.
struct OnlyTensor {
  operator at::Tensor() const; // declared for its type alone
};

template <typename Module, typename Input>
concept ForwardsFrom = requires(Module& module, const Input& input) {
  at::Tensor(module.forward(input));
};

/// A `forward` for every type of input, of which none says what it takes.
template <typename Module>
concept ForwardsTemplate = requires { &Module::template forward<at::Tensor>; };

template <typename Module>
inline constexpr bool is_sequential =
    std::is_base_of_v<torch::nn::SequentialImpl, Module>;

/// A Sequential hands on whatever its first layer takes.
template <typename Module>
consteval bool takes_inputs() {
  if constexpr (is_sequential<Module>) {
    return true;
  } else if constexpr (ForwardsTemplate<Module>) {
    return false;
  } else {
    return ForwardsFrom<Module, Inputs>;
  }
}

template <typename Module>
consteval bool takes_tensor() {
  if constexpr (is_sequential<Module>) {
    return true;
  } else if constexpr (ForwardsTemplate<Module>) {
    return ForwardsFrom<Module, at::Tensor>;
  } else {
    // A tensor becomes an Inputs by itself, so this alone says nothing.
    return ForwardsFrom<Module, at::Tensor> &&
        (!ForwardsFrom<Module, Inputs> || ForwardsFrom<Module, OnlyTensor>);
  }
}

/// Whether its forward is known to leave its input as it was: LibTorch's
/// linear layer, and what says `using OnlyReads = ` and its own name, which
/// what is derived from it has not said.
template <typename Module>
consteval bool only_reads() {
  if constexpr (requires { typename Module::OnlyReads; }) {
    return std::is_same_v<typename Module::OnlyReads, Module>;
  } else {
    return std::is_same_v<torch::nn::LinearImpl, Module>;
  }
}

} // namespace polytask::detail
