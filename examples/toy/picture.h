// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "descent.h"

namespace toy {

/// The paths of one method, one from each start.
struct Panel {
  std::string title;
  std::vector<Path> paths;
};

/// An SVG picture with a panel for each method, four in a row: contour lines of the mean of both
/// objectives, the Pareto set, and the paths, darker with time, from a circle to a cross.
std::string draw(const std::vector<Panel>& panels, double objective_scale);

} // namespace toy
