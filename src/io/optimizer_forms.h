// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Dict.h>
#include <ATen/core/Tensor.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <memory>

namespace polytask::io::detail {

/// How Python writes SGD: the options of a group and the state of a parameter,
/// each as a dict, and back.
struct SGDForm {
  using Options = torch::optim::SGDOptions;
  using State = torch::optim::SGDParamState;

  /// All options that Python has, but no parameters.
  static c10::impl::GenericDict options_dict(const Options& options);
  /// Empty if nothing has been stepped.
  static c10::impl::GenericDict state_dict(
      const State& state, const Options& options);

  /// Throws ValueError on options that LibTorch lacks and that matter, or that
  /// it would refuse.
  static Options options_of(const c10::impl::GenericDict& group);
  /// Copies, as the parameter needs them; null if nothing has been stepped.
  /// Throws ValueError on what is incomplete or another kind's, and on other
  /// shapes.
  static std::unique_ptr<State> state_of(
      const c10::impl::GenericDict& state,
      const at::Tensor& parameter,
      const Options& options);
};

/// The same for Adam and AdamW.
template <typename Optimizer, typename OwnOptions, typename OwnState>
struct AdamFormOf {
  using Options = OwnOptions;
  using State = OwnState;

  static c10::impl::GenericDict options_dict(const Options& options);
  static c10::impl::GenericDict state_dict(
      const State& state, const Options& options);
  static Options options_of(const c10::impl::GenericDict& group);
  static std::unique_ptr<State> state_of(
      const c10::impl::GenericDict& state,
      const at::Tensor& parameter,
      const Options& options);
};

using AdamForm = AdamFormOf<
    torch::optim::Adam,
    torch::optim::AdamOptions,
    torch::optim::AdamParamState>;
using AdamWForm = AdamFormOf<
    torch::optim::AdamW,
    torch::optim::AdamWOptions,
    torch::optim::AdamWParamState>;

extern template struct AdamFormOf<
    torch::optim::Adam,
    torch::optim::AdamOptions,
    torch::optim::AdamParamState>;
extern template struct AdamFormOf<
    torch::optim::AdamW,
    torch::optim::AdamWOptions,
    torch::optim::AdamWParamState>;

} // namespace polytask::io::detail
