// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/custom_class.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "convert.h"

namespace polytask::python {

/// A method as Python holds it: `torch.classes.polytask.Balancing`.
///
/// Every call but those that say what the method reads may change its state, so
/// two threads must not share one.
class BalancingObject : public torch::CustomClassHolder {
 public:
  /// Throws as `balancing::make`.
  BalancingObject(std::string name, const std::optional<Options>& options);

  std::string name() const;
  /// "losses", "gramian", "jacobian" or "bilevel".
  std::string reads() const;
  const balancing::Balancing& method() const {
    return *method_;
  }
  balancing::Balancing& method() {
    return *method_;
  }

  /// [T], from the losses [T] or the Gramian [T, T]; throws, and names the call
  /// to use instead, for a method of Jacobians.
  at::Tensor weights(
      const at::Tensor& input, const std::optional<Tensors>& extras);
  /// The update [...] for a Jacobian [T, ...].
  at::Tensor direction(
      const at::Tensor& jacobian, const std::optional<Tensors>& extras);
  /// The scalar of a method of losses, with its graph.
  at::Tensor scalarize(
      const at::Tensor& losses, const std::optional<Tensors>& extras);
  /// The weights [T] of a Gramian method's last call, in double.
  at::Tensor last_weights() const;
  /// For a step without gradients: those that hold now. Counts as a step.
  at::Tensor repeat();

  /// What it was made of, and its state.
  using Pickle = std::tuple<std::string, Options, Tensors>;
  Pickle pickle() const;
  static c10::intrusive_ptr<BalancingObject> unpickle(const Pickle& pickle);

 private:
  [[noreturn]] void refuse(const std::string& call) const;

  std::string made_as_;
  Options options_;
  std::unique_ptr<balancing::Balancing> method_;
};

} // namespace polytask::python
