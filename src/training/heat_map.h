// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace polytask::detail {

/// Values [rows, columns] in double on the CPU, and what they are of.
struct HeatMap {
  std::string title;
  const std::vector<std::string>& rows;
  const std::vector<std::string>& columns;
  const at::Tensor& values;
};

/// An SVG picture of values from -1, red, to 1, blue; grey for NaN. Each field
/// says its value, in print where there are few.
std::string heat_map(const HeatMap& map);

} // namespace polytask::detail
