// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tests/support/golden.h"

namespace polytask::testing {

/// Whether the weights are feasible and their objective is no worse than that
/// of the reference's answer; false where the file has no objective.
bool reaches_objective(
    const GoldenCase& golden,
    const nlohmann::json& step,
    const Outputs& outputs);

} // namespace polytask::testing
