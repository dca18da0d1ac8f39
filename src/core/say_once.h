// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <string>

namespace polytask::detail {

/// Warns the first time that it is called with this flag.
inline void say_once(bool& said, const std::string& text) {
  if (!said) {
    said = true;
    TORCH_WARN(text);
  }
}

} // namespace polytask::detail
