// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::detail {

bool has_nan(const float* values, int64_t size);
bool has_nan(const double* values, int64_t size);

} // namespace polytask::detail
