// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "../table.h"

namespace polytask::balancing::detail {

Table jacobian_methods() {
  return {};
}

} // namespace polytask::balancing::detail
