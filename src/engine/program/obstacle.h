// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace polytask::detail {

/// Why a route cannot take a step.
struct Obstacle {
  std::string reason;
  /// No route can: autograd will say what is wrong.
  bool is_error = false;

  explicit operator bool() const {
    return !reason.empty();
  }
};

} // namespace polytask::detail
