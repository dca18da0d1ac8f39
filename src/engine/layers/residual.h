// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <utility>

#include "known_layer.h"

namespace polytask::detail {

/// What stands before and behind the inner layers of a Residual. They share
/// what the one keeps for the other, so all tasks that a backward takes
/// through the second must next go through the first.
std::pair<std::unique_ptr<KnownLayer>, std::unique_ptr<KnownLayer>>
make_residual();

} // namespace polytask::detail
