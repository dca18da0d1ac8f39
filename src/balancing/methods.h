// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "description.h"

namespace polytask::balancing::detail {

/// Those of all methods of the library.
const std::vector<const Description*>& descriptions();

} // namespace polytask::balancing::detail
