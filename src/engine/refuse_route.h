// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <string>

#include <polytask/engine/route.h>

namespace polytask::detail {

/// Throws that a route, which was asked for, cannot take something, such as
/// "step" or "model".
[[noreturn]] inline void refuse_route(
    Route wanted, const char* what, const std::string& why) {
  C10_THROW_ERROR(
      ValueError,
      c10::str(
          "training: the route '",
          to_string(wanted),
          "' cannot take this ",
          what,
          ": ",
          why,
          "."));
}

} // namespace polytask::detail
