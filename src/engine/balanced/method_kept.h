// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>

#include <exception>

namespace polytask::detail {

/// Does `action`, in which a hook of the user's may throw after the method has
/// looked at a step: the method is then as it was before.
template <typename Action>
auto with_method_kept(balancing::Balancing& method, Action&& action) {
  const balancing::State before = method.state();
  try {
    return action();
  } catch (...) {
    const auto thrown = std::current_exception();
    try {
      method.load_state(before);
    } catch (const std::exception&) {
      // What was thrown first is what the user has to see.
    }
    std::rethrow_exception(thrown);
  }
}

} // namespace polytask::detail
