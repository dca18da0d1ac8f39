// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "residuals.h"

namespace polytask::detail {

/// As `residuals`, of binary cross entropy: values are logits, labels from 0 to
/// 1, and `parameter` is the factor of what is positive.
ResidualSums binary_residuals(const ResidualColumn<float>& column);
ResidualSums binary_residuals(const ResidualColumn<double>& column);

} // namespace polytask::detail
