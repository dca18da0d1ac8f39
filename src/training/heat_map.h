// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace polytask::detail {

/// An SVG picture of values [T, T] from -1, red, to 1, blue; grey for NaN. Each
/// field says its value, in print where there are few.
std::string heat_map(
    const std::vector<std::string>& names, const at::Tensor& values);

} // namespace polytask::detail
