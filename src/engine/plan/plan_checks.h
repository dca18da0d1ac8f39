// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "plan.h"

// What a plan shows to be wrong, or not to be meant.

namespace polytask::detail {

void warn_of_untrained(const MultiTaskModel& model, const Plan& plan);

/// Throws where the optimizer holds a parameter twice.
void refuse_double_steps(const MultiTaskModel& model, const Plan& plan);

/// Throws where the model trains what the optimizer does not hold and did not
/// lack before, or has other tasks.
void check_change(
    const MultiTaskModel& model, const Plan& before, const Plan& now);

} // namespace polytask::detail
