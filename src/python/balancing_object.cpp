// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "balancing_object.h"

#include <utility>

#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/make.h>
#include "core/host_value.h"

namespace polytask::python {

using balancing::Extras;
using balancing::GramianBalancing;
using balancing::JacobianBalancing;
using balancing::LossBalancing;
using balancing::Reads;

namespace {

Extras extras_in(const std::optional<Tensors>& extras) {
  return extras ? to_map(*extras) : Extras();
}

} // namespace

BalancingObject::BalancingObject(
    std::string name, const std::optional<Options>& options)
    : made_as_(std::move(name)),
      options_(options ? options->copy() : no_options()),
      method_(balancing::make(made_as_, option_values(made_as_, options_))) {}

std::string BalancingObject::name() const {
  return method_->name();
}

std::string BalancingObject::reads() const {
  switch (method_->reads()) {
    case Reads::kLosses:
      return "losses";
    case Reads::kGramian:
      return "gramian";
    case Reads::kJacobian:
      return "jacobian";
    case Reads::kBilevel:
      return "bilevel";
  }
  return "";
}

void BalancingObject::refuse(const std::string& call) const {
  std::string has;
  switch (method_->reads()) {
    case Reads::kLosses:
      has =
          "losses; call scalarize(losses), weights(losses) or "
          "direction(jacobian)";
      break;
    case Reads::kGramian:
      has = "a Gramian; call weights(gramian) or direction(jacobian)";
      break;
    case Reads::kJacobian:
      has = "a Jacobian; call direction(jacobian)";
      break;
    case Reads::kBilevel:
      has = "losses of other batches, which only the C++ library gives it";
      break;
  }
  TORCH_CHECK_VALUE(false, name(), ": has no ", call, ": it reads ", has, ".");
}

at::Tensor BalancingObject::weights(
    const at::Tensor& input, const std::optional<Tensors>& extras) {
  switch (method_->reads()) {
    case Reads::kLosses:
      return static_cast<LossBalancing&>(*method_).weights(
          input, extras_in(extras));
    case Reads::kGramian:
      return static_cast<GramianBalancing&>(*method_).weights(
          input, extras_in(extras));
    default:
      refuse("weights");
  }
}

at::Tensor BalancingObject::direction(
    const at::Tensor& jacobian, const std::optional<Tensors>& extras) {
  switch (method_->reads()) {
    case Reads::kLosses:
      return static_cast<LossBalancing&>(*method_).direction(
          jacobian, extras_in(extras));
    case Reads::kGramian:
      return static_cast<GramianBalancing&>(*method_).direction(
          jacobian, extras_in(extras));
    case Reads::kJacobian:
      return static_cast<JacobianBalancing&>(*method_).direction(
          jacobian, extras_in(extras));
    default:
      refuse("direction");
  }
}

at::Tensor BalancingObject::scalarize(
    const at::Tensor& losses, const std::optional<Tensors>& extras) {
  if (method_->reads() != Reads::kLosses) {
    refuse("scalarize");
  }
  return static_cast<LossBalancing&>(*method_).scalarize(
      losses, extras_in(extras));
}

at::Tensor BalancingObject::last_weights() const {
  if (method_->reads() != Reads::kGramian) {
    refuse("last_weights");
  }
  return polytask::detail::host_vector(
      static_cast<const GramianBalancing&>(*method_).last_weights(),
      at::kDouble);
}

at::Tensor BalancingObject::repeat() {
  if (method_->reads() != Reads::kGramian) {
    refuse("repeat");
  }
  return polytask::detail::host_vector(
      static_cast<GramianBalancing&>(*method_).repeat(), at::kDouble);
}

BalancingObject::Pickle BalancingObject::pickle() const {
  return {made_as_, options_, to_dict(method_->state())};
}

c10::intrusive_ptr<BalancingObject> BalancingObject::unpickle(
    const Pickle& pickle) {
  const auto& [name, options, state] = pickle;
  auto made = c10::make_intrusive<BalancingObject>(name, options);
  made->method_->load_state(to_map(state));
  return made;
}

} // namespace polytask::python
