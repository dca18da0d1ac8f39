// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tests/support/golden.h"

namespace polytask::testing {

/// `check_golden` of a bilevel method: each case trains a model of its own,
/// hidden = tanh(x Wᵀ) and a linear head for each task, by a JointTraining with
/// SGD; each step is an epoch.
GoldenReport check_bilevel(nlohmann::json file);

} // namespace polytask::testing
