// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/task/loss_function.h>

#include <sstream>
#include <string>

namespace polytask::testing {

/// What a loss prints.
inline std::string printed(const LossFunction& loss) {
  std::ostringstream text;
  loss.pretty_print(text);
  return text.str();
}

} // namespace polytask::testing
