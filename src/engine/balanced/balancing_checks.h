// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../step_context.h"

namespace polytask::detail {

/// Throws where a training cannot have the balancing of its options.
void check_balancing(const StepContext& context);

/// Before each step: throws where the balancing was reset since, and has other
/// parameters, or combines gradients of several devices.
void check_still_prepared(const StepContext& context);

/// Throws unless the balancing takes so many batches in a step.
void check_batches(const StepContext& context, int64_t batches);

} // namespace polytask::detail
