// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Dict.h>
#include <ATen/core/ivalue.h>

#include <optional>
#include <string>
#include <vector>

namespace polytask::io::detail {

struct SavedParameter {
  /// Empty where the state dict has no names.
  std::string name;
  std::optional<c10::impl::GenericDict> state;
};

struct SavedGroup {
  c10::impl::GenericDict options;
  std::vector<SavedParameter> parameters;
};

/// An optimizer's state dict of Python, with each state where its parameter
/// stands.
struct SavedOptimizer {
  std::vector<SavedGroup> groups;
  bool has_names = false;
};

/// Throws ValueError if it is none: parameters or names that come twice, some
/// groups with names and some without, states of no parameter.
SavedOptimizer saved_optimizer(const c10::IValue& state_dict);

} // namespace polytask::io::detail
