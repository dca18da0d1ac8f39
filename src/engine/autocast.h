// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/autocast_mode.h>

namespace polytask::detail {

/// Whether operations on this kind of device choose their own precision. Only
/// autograd's graph of the modules themselves is then what the user asked for.
inline bool is_autocast_on(c10::DeviceType type) {
  return at::autocast::is_autocast_available(type) &&
      at::autocast::is_autocast_enabled(type);
}

} // namespace polytask::detail
